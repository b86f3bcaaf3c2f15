import { ANYTHING, redisCommand, SAMPLE_USER, sampleUpdate } from "../../generator/template.ts";
import { type System, upgradeRequest } from "../system.ts";

const folder = "tidings";
const guest: System["guest"] = (_, token) => ({ request: upgradeRequest("/ws", token), hello: "" });
const sent: System["sent"] = (payload) => `{"type":"bench","payload":${payload}}`;
const withOffset = (payload: string): string => `{"type":"bench","payload":${payload},"offset":"${ANYTHING}`;

/** Tidings as it comes. */
export const tidings: System = {
  key: "tidings",
  name: "Tidings",
  folder,
  dialect: {},
  guest,
  received: (_, payload) => `{"type":"bench","payload":${payload}}`,
  published: (audience, payload) => redisCommand("PUBLISH", "updates", sampleUpdate(audience, payload)),
  sent,
};

/** Tidings with history; this relay has the lease, so it appends what workers PUBLISH. */
export const tidingsHistory: System = {
  ...tidings,
  key: "tidings-history",
  name: "Tidings, history",
  environment: { TIDINGS_HISTORY: "true" },
  received: (_, payload) => withOffset(payload),
  hasHistory: true,
};

/** Tidings with history, and workers that append by FCALL. */
export const tidingsFcall: System = {
  ...tidingsHistory,
  key: "tidings-fcall",
  name: "Tidings, history by FCALL",
  published: (audience, payload) => {
    const key = `tidings:{${audience === "everyone" ? "*" : SAMPLE_USER}}:log`;
    return redisCommand("FCALL", "tidings_publish", "1", key, sampleUpdate(audience, payload));
  },
};
