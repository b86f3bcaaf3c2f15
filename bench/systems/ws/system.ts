import { redisCommand, sampleUpdate } from "../../generator/template.ts";
import { type System, upgradeRequest } from "../system.ts";

/** A relay as most TypeScript teams write it: ws and ioredis on Node.js. */
export const plainWs: System = {
  key: "ws",
  name: "ws",
  folder: "ws",
  dialect: {},
  guest: (_, token) => ({ request: upgradeRequest("/ws", token), hello: "" }),
  received: (_, payload) => `{"type":"bench","payload":${payload}}`,
  published: (audience, payload) => redisCommand("PUBLISH", "updates", sampleUpdate(audience, payload)),
  sent: (payload) => `{"type":"bench","payload":${payload}}`,
};
