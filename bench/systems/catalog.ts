import { centrifuge } from "./centrifuge/system.ts";
import { floor } from "./floor/system.ts";
import { seedGo } from "./seed-go/system.ts";
import { socketIo } from "./socket.io/system.ts";
import type { System } from "./system.ts";
import { tidings, tidingsFcall, tidingsHistory } from "./tidings/system.ts";
import { plainWs } from "./ws/system.ts";

/** Every system, in the order in which a round runs them. */
export const systems: readonly System[] = [
  tidings,
  seedGo,
  floor,
  tidingsHistory,
  centrifuge,
  socketIo,
  plainWs,
  tidingsFcall,
];
