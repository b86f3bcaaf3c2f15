export { type NodeHandler, nodeHandler, type NodeRequest, type NodeResponse } from "./node-handler.ts";
export { startingOffset, type StartingOffsetOptions } from "./starting-offset.ts";
export { createTicket, type TicketRequest, type TicketTerms } from "./ticket.ts";
export { type TicketHandler, ticketHandler, type TicketHandlerOptions } from "./ticket-handler.ts";
