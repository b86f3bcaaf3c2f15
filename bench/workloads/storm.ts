import { LOAD_LIMIT } from "./outcome.ts";
import type { Workload } from "./workload.ts";

const CONNECTIONS = 8_000;
const MICRO = 1e6;

/** Clients with tokens that all come at once. */
export const storm: Workload = {
  key: "storm",
  title: "Connection storm, a token each",
  unit: "µs a connection",
  scale: { of: "connections", full: CONNECTIONS },
  isShort: true,
  needsFreshBed: true,
  async run(bed, { size }) {
    const count = Math.round(CONNECTIONS * size);
    const { value, usage } = await bed.measure(() => bed.fill(count));
    const reason =
      usage.loadShare >= LOAD_LIMIT
        ? `the load used ${(usage.loadShare * 100).toFixed(0)} % of its core`
        : null;
    if (reason !== null) return { isVoid: true, reason };
    return {
      isVoid: false,
      fault: null,
      figures: {
        cpu: (usage.system.total / count) * MICRO,
        user: (usage.system.user / count) * MICRO,
        rate: count / value.seconds,
        p99: value.handshake.p99,
        load: usage.loadShare * 100,
      },
    };
  },
};
