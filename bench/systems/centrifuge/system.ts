import { join } from "node:path";
import { CACHE } from "../../generator/build.ts";
import { SAMPLE_USER } from "../../generator/template.ts";
import { captured } from "../capture.ts";
import { type System, upgradeRequest } from "../system.ts";

const channels = { user: `#${SAMPLE_USER}`, everyone: "everyone" } as const;

/** The engine of Centrifugo v6 with its Redis broker, and workers that publish by that broker. */
export const centrifuge: System = {
  key: "centrifuge",
  name: "centrifuge",
  folder: "centrifuge",
  environment: { BROADCASTS: "true" },
  dialect: { ready: '{"id":1,"connect":{', ping: "{}", pong: "{}", hasLines: true },
  guest: (_, token) => ({
    request: upgradeRequest("/connection/websocket", null),
    hello: JSON.stringify({ id: 1, connect: { token } }),
  }),
  received: (audience, payload) =>
    `{"push":{"channel":"${channels[audience]}","pub":{"data":{"type":"bench","payload":${payload}}}}}`,
  published: (audience, payload) =>
    captured("centrifuge", audience, payload, () => [
      join(CACHE, "centrifuge"),
      "publish",
      channels[audience],
      `{"type":"bench","payload":${payload}}`,
    ]),
  sent: (payload) => `{"send":{"data":{"type":"bench","payload":${payload}}}}`,
};
