import { ticketHandler } from "@tidings/client/server";
import { userOfRequest } from "../../../server/session.ts";

/** Makes the short token with which a page connects to the relay, from the application's own session. */
export const POST = ticketHandler({
  authorize: (request) => userOfRequest(request)?.id ?? null,
  secret: process.env["TIDINGS_JWT_SECRET"],
});
