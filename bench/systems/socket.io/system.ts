import { join } from "node:path";
import { CACHE } from "../../generator/build.ts";
import { SAMPLE_USER } from "../../generator/template.ts";
import { captured } from "../capture.ts";
import { type System, upgradeRequest } from "../system.ts";

const installed = join(CACHE, "socket.io");

/** Socket.IO with its Redis adapter, and workers that publish by its Redis emitter. */
export const socketIo: System = {
  key: "socket.io",
  name: "Socket.IO",
  folder: "socket.io",
  dialect: { helloAfter: "0{", ready: "40{", ping: "2", pong: "3" },
  guest: (_, token) => ({
    request: upgradeRequest("/socket.io/?EIO=4&transport=websocket", null),
    hello: `40${JSON.stringify({ token })}`,
  }),
  received: (_, payload) => `42["update",{"type":"bench","payload":${payload}}]`,
  published: (audience, payload) =>
    captured("socket.io", audience, payload, () => [
      join(installed, "node_modules/node/bin/node"),
      join(installed, "publish.mjs"),
      audience === "everyone" ? "*" : SAMPLE_USER,
      `{"type":"bench","payload":${payload}}`,
    ]),
  sent: (payload) => `42["message",{"type":"bench","payload":${payload}}]`,
};
