import { redisCommand, sampleUpdate } from "../../generator/template.ts";
import { type System, upgradeRequest } from "../system.ts";

/** The least any process can do, in C: no tokens, no checks, one send() for each delivery. */
export const floor: System = {
  key: "floor",
  name: "floor",
  folder: "floor",
  dialect: {},
  guest: (user) => ({ request: upgradeRequest(`/ws?user_id=${user}`, null), hello: "" }),
  received: (_, payload) => `{"type":"bench","payload":${payload}}`,
  published: (audience, payload) => redisCommand("PUBLISH", "updates", sampleUpdate(audience, payload)),
  sent: null,
};
