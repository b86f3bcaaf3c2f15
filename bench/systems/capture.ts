import { createClient } from "@redis/client";
import { startRedis } from "../../tests/support/redis-server.ts";
import { type Audience, redisCommand } from "../generator/template.ts";

const CAPTURE_MS = 15_000;
const known = new Map<string, Promise<Buffer>>();

/**
 * The command by which another project's publisher brings an update to its relays, as that publisher really sends it:
 * run once against a Redis of its own and kept, since it is the same every time but for the numbers.
 */
export function captured(
  key: string,
  audience: Audience,
  payload: string,
  command: (redisPort: number) => readonly string[],
): Promise<Buffer> {
  const id = `${key} ${audience} ${payload.length}`;
  const before = known.get(id);
  if (before !== undefined) return before;
  const capture = captureOnce(payload, command);
  known.set(id, capture);
  return capture;
}

async function captureOnce(
  payload: string,
  command: (redisPort: number) => readonly string[],
): Promise<Buffer> {
  await using redis = await startRedis();
  const client = createClient({ url: redis.url });
  await client.connect();
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const text = /"text":"(t*)"/.exec(payload)?.[1] ?? "";
  await client.pSubscribe(
    "*",
    (message, channel) => {
      if (message.includes(text)) resolve(redisCommand("PUBLISH", channel, message));
    },
    true,
  );
  const child = Bun.spawn([...command(redis.port)], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, REDIS_PORT: String(redis.port), REDIS_ADDR: `127.0.0.1:${redis.port}` },
  });
  const timer = setTimeout(() => reject(new Error("the publisher published nothing")), CAPTURE_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
    client.destroy();
  }
}
