import type { Bed, System } from "./bed.ts";
import { thousands } from "./figures.ts";
import { EVERYONE } from "./load/update-text.ts";
import type { Measured } from "./measured.ts";
import type { ProcessorTime } from "./process-cost.ts";

/** How many connections every workload runs at. */
export const CONNECTIONS = 10_000;

const TEXT_BYTES = 64;
const HANDSHAKES = 2_000;
const NOT_CONNECTED = 500_001;

/** One row of the bench. */
export interface Workload {
  readonly name: string;
  /** What the number counts. */
  readonly unit: string;
  readonly run: (bed: Bed, context: RunContext) => Promise<Measured>;
}

/** How a workload is run. */
export interface RunContext {
  readonly system: System;
  readonly seconds: number;
  /** Processor time a second that the server uses anyway, which is not the workload's. */
  readonly idleShare: ProcessorTime;
}

function broadcast(rate: number): Workload {
  return {
    name: `broadcast to ${thousands(CONNECTIONS)}, ${rate}/s`,
    unit: "µs a delivery",
    run: (bed, { seconds, idleShare }) =>
      bed.stream(
        { firstUser: EVERYONE, users: 1, rate, textBytes: TEXT_BYTES },
        CONNECTIONS,
        seconds,
        idleShare,
      ),
  };
}

function unicast(name: string, users: number, rate: number): Workload {
  return {
    name: `${name}, ${thousands(rate)}/s`,
    unit: "µs a delivery",
    run: (bed, { seconds, idleShare }) =>
      bed.stream({ firstUser: 1, users, rate, textBytes: TEXT_BYTES }, 1, seconds, idleShare),
  };
}

function elsewhere(rate: number, textBytes: number): Workload {
  return {
    name: `for users elsewhere, ${textBytes} B of text, ${thousands(rate)}/s`,
    unit: "µs an update",
    run: (bed, { seconds, idleShare }) =>
      bed.stream({ firstUser: NOT_CONNECTED, users: 5_000, rate, textBytes }, 0, seconds, idleShare),
  };
}

/** Every workload that runs with all connections open, in the order in which they are run. */
export const workloads: readonly Workload[] = [
  broadcast(2),
  broadcast(4),
  unicast("token streams to 200 busy users", 200, 4_000),
  unicast("token streams to 200 busy users", 200, 10_000),
  unicast("spread over 5,000 users", 5_000, 5_000),
  elsewhere(10_000, TEXT_BYTES),
  elsewhere(5_000, 1_024),
  {
    name: "handshake with `?user_id=`",
    unit: "µs a connection",
    run: (bed) => bed.handshakes(HANDSHAKES, false),
  },
  {
    name: "handshake with an HS256 token (control: with none)",
    unit: "µs a connection",
    run: (bed, { system }) => bed.handshakes(HANDSHAKES, system === "relay"),
  },
];

const nothing: ProcessorTime = { user: 0, total: 0 };

/** Runs every path once, unmeasured, so that no workload pays for compiling what it is first to run. */
export async function warmUp(bed: Bed): Promise<void> {
  for (const stream of [
    { firstUser: 1, users: 5_000, rate: 5_000 },
    { firstUser: NOT_CONNECTED, users: 5_000, rate: 5_000 },
  ]) {
    await bed.stream({ ...stream, textBytes: TEXT_BYTES }, stream.firstUser === 1 ? 1 : 0, 1, nothing);
  }
  await bed.stream(
    { firstUser: EVERYONE, users: 1, rate: 2, textBytes: TEXT_BYTES },
    CONNECTIONS,
    2,
    nothing,
  );
}
