import { samplePayload, templateOf } from "../generator/template.ts";
import { faultOf, voidReason } from "./outcome.ts";
import type { Workload } from "./workload.ts";

const CONNECTIONS = 2_000;
const RATE = 8_000;
const PAYLOAD_BYTES = 100;
/** Not counted, as with streams. */
const WARM_UP_SECONDS = 0.5;
const MICRO = 1e6;

/** Messages from clients, which the relay publishes for workers. */
export const fanIn: Workload = {
  key: "fan-in",
  title: "Messages from 2,000 clients, 8,000/s",
  unit: "µs a message",
  scale: { of: "messages a second", full: RATE },
  needsFreshBed: true,
  isFor: (system) => system.sent !== null,
  async run(bed, { size, effort }) {
    const { system, generator, redis } = bed;
    if (system.sent === null) return { isVoid: true, reason: "it takes no messages" };
    const count = Math.round(CONNECTIONS * size);
    const payload = samplePayload(PAYLOAD_BYTES);
    await bed.fill(count);
    await generator.set("sent", templateOf(system.sent(payload)));
    await generator.set("inbound", templateOf(payload));
    await generator.subscribe(redis.port, "inbound");
    await generator.mark();
    const plan = { firstUser: 1, users: count, rate: RATE * size, seconds: effort.seconds };
    const warmUp = await generator.send({ ...plan, seconds: WARM_UP_SECONDS });
    await bed.arrived(warmUp.published);
    await generator.mark();
    const { value, usage } = await bed.measure(async () => {
      const published = await generator.send(plan);
      await bed.arrived(published.published);
      return published;
    });
    const received = await generator.report();
    const reason = voidReason(usage, { published: value });
    if (reason !== null) return { isVoid: true, reason };
    // What is missing is counted for updates; messages are counted as they come.
    const fault = faultOf({ ...received, missing: value.published - received.frames }, value.published);
    return {
      isVoid: false,
      fault,
      figures: {
        cpu: (usage.system.total / received.frames) * MICRO,
        user: (usage.system.user / received.frames) * MICRO,
        p50: received.latency.p50,
        p99: received.latency.p99,
        load: usage.loadShare * 100,
      },
    };
  },
};
