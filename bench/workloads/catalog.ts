import { fanIn } from "./fan-in.ts";
import { idle } from "./idle.ts";
import { resume } from "./resume.ts";
import { latency, saturation } from "./saturation.ts";
import { storm } from "./storm.ts";
import { runStream, type StreamShape } from "./stream.ts";
import type { Workload } from "./workload.ts";

const WARM_UP_SECONDS = 0.5;

interface StreamWorkload extends Omit<Workload, "run"> {
  readonly connections: (size: number) => number;
  readonly shape: (size: number) => StreamShape;
}

/** A workload that opens connections and streams to them, after half a second that is not counted. */
function streaming({ connections, shape, ...workload }: StreamWorkload): Workload {
  return {
    ...workload,
    async run(bed, { size, effort }) {
      await bed.fill(Math.round(connections(size)));
      const plan = shape(size);
      await runStream(bed, plan, wholeTurns(plan, WARM_UP_SECONDS));
      return runStream(bed, plan, wholeTurns(plan, effort.seconds));
    },
  };
}

/** Seconds in which every user gets equally many, where it matters who does. */
function wholeTurns({ isPerUpdate = false, users, rate }: StreamShape, seconds: number): number {
  return isPerUpdate ? (Math.ceil((rate * seconds) / users) * users) / rate : seconds;
}

function broadcast(connections: number, rate: number, burst: number, isShort: boolean): Workload {
  const count = connections.toLocaleString("en-US");
  const how = burst === 1 ? `${rate}/s, one at a time` : `${rate}/s, ${burst} at a time`;
  return streaming({
    key: `broadcast-${connections / 1_000}k${burst === 1 ? "" : "-bursts"}`,
    title: `Broadcast to ${count}, ${how}`,
    unit: "µs a delivery",
    scale: { of: "connections", full: connections },
    isShort,
    bed: { audience: "everyone" },
    connections: (size) => connections * size,
    shape: (size) => ({ firstUser: 1, users: 1, rate, burst, fanout: Math.round(connections * size) }),
  });
}

function payload(name: string, bytes: number, rate: number): Workload {
  return streaming({
    key: `payload-${bytes}`,
    title: `Payloads of ${name} to 1,000 users, ${rate.toLocaleString("en-US")}/s`,
    unit: "µs a delivery",
    scale: { of: "updates a second", full: rate },
    bed: { payloadBytes: bytes },
    connections: () => 1_000,
    shape: (size) => ({ firstUser: 1, users: 1_000, rate: rate * size, fanout: 1 }),
  });
}

/** Every workload, in the order in which they run. */
export const workloads: readonly Workload[] = [
  broadcast(10_000, 4, 1, true),
  broadcast(19_000, 2, 1, false),
  broadcast(19_000, 2, 4, true),
  streaming({
    key: "unicast",
    title: "Unicast 20,000/s over 5,000 users",
    unit: "µs a delivery",
    scale: { of: "users, and updates a second in proportion", full: 5_000 },
    isShort: true,
    connections: (size) => 5_000 * size,
    shape: (size) => ({ firstUser: 1, users: Math.round(5_000 * size), rate: 20_000 * size, fanout: 1 }),
  }),
  streaming({
    key: "tokens",
    title: "Token streams: 60,000/s to 200 busy users of 2,000",
    unit: "µs a delivery",
    scale: { of: "updates a second", full: 60_000 },
    isShort: true,
    connections: () => 2_000,
    shape: (size) => ({ firstUser: 1, users: 200, rate: 60_000 * size, fanout: 1 }),
  }),
  streaming({
    key: "tokens-500",
    title: "Token streams: 500 users at 60 tokens a second",
    unit: "µs a delivery",
    scale: { of: "users", full: 500 },
    connections: (size) => 500 * size,
    shape: (size) => ({
      firstUser: 1,
      users: Math.round(500 * size),
      rate: 60 * Math.round(500 * size),
      fanout: 1,
    }),
  }),
  payload("100 B", 100, 10_000),
  payload("1 KiB", 1_024, 10_000),
  payload("64 KiB", 65_536, 400),
  streaming({
    key: "firehose",
    title: "Firehose 20,000/s, 95 % for users elsewhere",
    unit: "µs an update",
    scale: { of: "updates a second, and users in proportion", full: 20_000 },
    connections: (size) => 1_000 * size,
    shape: (size) => ({
      firstUser: 1,
      users: Math.round(20_000 * size),
      rate: 20_000 * size,
      fanout: 0.05,
      isPerUpdate: true,
    }),
  }),
  streaming({
    key: "elsewhere",
    title: "Updates for users elsewhere, 20,000/s",
    unit: "µs an update",
    scale: { of: "updates a second", full: 20_000 },
    isShort: true,
    connections: () => 1_000,
    shape: (size) => ({
      firstUser: 100_001,
      users: 5_000,
      rate: 20_000 * size,
      fanout: 0,
      isPerUpdate: true,
    }),
  }),
  idle,
  storm,
  fanIn,
  resume,
  saturation,
  latency,
];
