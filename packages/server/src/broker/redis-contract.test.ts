import { createClient } from "@redis/client";
import { startRedis } from "../../../../tests/support/redis-server.ts";
import { systemClock } from "../clock.ts";
import { describeBrokerContract, type MakeBroker } from "./broker-contract.ts";
import { describeMarkContract } from "./mark-contract.ts";
import { RedisBroker } from "./redis.ts";

const make: MakeBroker = async (options) => {
  const cleanup = new AsyncDisposableStack();
  const redis = cleanup.use(await startRedis());
  const worker = createClient({ url: redis.url });
  worker.on("error", () => {});
  await worker.connect();
  cleanup.defer(() => worker.destroy());
  const broker = new RedisBroker({
    ...options,
    url: redis.url,
    probeIntervalMs: 100,
    timeoutMs: 3_000,
    relayId: "contract",
    clock: systemClock,
    random: Math.random,
  });
  cleanup.defer(() => broker.close());
  return {
    broker,
    publishRaw: async (channel, data) => {
      await worker.publish(channel, typeof data === "string" ? data : Buffer.from(data));
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
};

describeBrokerContract("RedisBroker", make);
describeMarkContract("RedisBroker", make);
