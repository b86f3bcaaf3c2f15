import type { Bed } from "../bed.ts";
import { faultOf, type Outcome, voidReason } from "./outcome.ts";

const MICRO = 1e6;

/** A stream of updates and what it should come to. */
export interface StreamShape {
  /** Updates go to users from this one on. */
  readonly firstUser: number;
  readonly users: number;
  readonly rate: number;
  readonly burst?: number;
  /** How many updates come out of one that goes in, on the average over `users`. */
  readonly fanout: number;
  /** Whether the cost is counted for each update, because most or all are for nobody here. */
  readonly isPerUpdate?: boolean;
}

/** Publishes for some seconds, checks everything that comes, and tells what a delivery cost. */
export async function runStream(bed: Bed, shape: StreamShape, seconds: number): Promise<Outcome> {
  const { fanout, isPerUpdate = false, ...plan } = shape;
  await bed.generator.mark();
  const { value, usage } = await bed.measure(async () => {
    const published = await bed.generator.publish({ ...plan, seconds });
    await bed.arrived(Math.round(published.published * fanout));
    if (fanout === 0) await Bun.sleep(100);
    return published;
  });
  const received = await bed.generator.report();
  const reason = voidReason(usage, { published: value });
  if (reason !== null) return { isVoid: true, reason };
  const expected = Math.round(value.published * fanout);
  const units = isPerUpdate ? value.published : received.frames;
  if (units === 0) return { isVoid: false, figures: {}, fault: "nothing came" };
  return {
    isVoid: false,
    fault: faultOf(received, expected),
    figures: {
      cpu: (usage.system.total / units) * MICRO,
      user: (usage.system.user / units) * MICRO,
      ...(received.frames === 0
        ? {}
        : { p50: received.latency.p50, p99: received.latency.p99, max: received.latency.max }),
      share: (usage.system.total / usage.wall) * 100,
      load: usage.loadShare * 100,
      generator: received.frames === 0 ? 0 : ((usage.generatorShare * usage.wall) / received.frames) * MICRO,
      ...(received.reads === 0 ? {} : { perRead: received.frames / received.reads }),
      slip: value.slip.p99,
    },
  };
}
