import { redisCommand, sampleUpdate } from "../../generator/template.ts";
import { type System, upgradeRequest } from "../system.ts";

/** The relay that Tidings set out from: gorilla/websocket, go-redis, Hub, readPump, writePump. */
export const seedGo: System = {
  key: "seed-go",
  name: "seed-go",
  folder: "seed-go",
  dialect: {},
  guest: (_, token) => ({ request: upgradeRequest("/ws", token), hello: "" }),
  received: (_, payload) => `{"type":"bench","payload":${payload}}`,
  published: (audience, payload) => redisCommand("PUBLISH", "updates", sampleUpdate(audience, payload)),
  sent: (payload) => `{"type":"bench","payload":${payload}}`,
};
