import { createClient } from "@redis/client";
import type { Assault, Wave } from "./assault.ts";

const NEVER_READERS = 60;
const LARGE = "x".repeat(65_536);

async function redisOf(assault: Assault) {
  const client = createClient({ url: `redis://127.0.0.1:${assault.target.redisPort}` });
  client.on("error", () => {});
  await client.connect();
  return client;
}

/** Attacks by what workers publish. */
export const updateWaves: Readonly<Record<string, Wave>> = {
  "readers that never read": async (assault) => {
    const redis = await redisOf(assault);
    const readers = new Map<string, () => boolean>();
    await assault.repeat(
      4,
      async () => {
        const name = `never-${assault.attempts % NEVER_READERS}`;
        if (readers.get(name)?.() !== true) {
          const socket = await assault.enter(name);
          socket.pause();
          readers.set(name, () => !socket.destroyed);
        }
        await redis.publish("updates", JSON.stringify({ target_user_id: name, type: "t", payload: LARGE }));
      },
      1,
    );
    redis.destroy();
  },

  "malformed updates": async (assault) => {
    const redis = await redisOf(assault);
    const texts = [
      "not JSON",
      "null",
      "[]",
      '{"type":"t","payload":1}',
      '{"target_user_id":null,"type":"t","payload":1}',
      '{"target_user_id":"","type":"t","payload":1}',
      '{"target_user_id":["*"],"type":"t","payload":1}',
      '{"target_user_id":"u1","target_user_id":"*","type":"t","payload":1}',
      '{"target_user_id":"u1","type":"tidings.closing","payload":1}',
      `{"target_user_id":"${"u".repeat(300)}","type":"t","payload":1}`,
      '{"__proto__":{"target_user_id":"*"},"type":"t","payload":1}',
      `{"target_user_id":"nobody","type":"t","payload":${"[".repeat(100_000)}}`,
      `{"target_user_id":"nobody","type":"t","payload":"${"x".repeat(1_100_000)}"}`,
      "\u0000\u0001\u001b[2J",
    ];
    await assault.repeat(
      4,
      async () => {
        await redis.publish("updates", texts[assault.attempts % texts.length] ?? "");
      },
      1,
    );
    redis.destroy();
  },
};
