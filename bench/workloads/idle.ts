import type { Workload } from "./workload.ts";

const CONNECTIONS = 19_000;
/** Smaller sizes show how memory grows, for which they need not be watched so long. */
const SMALLER = 0.25;

/** What connections cost that only answer pings. */
export const idle: Workload = {
  key: "idle",
  title: "19,000 idle connections",
  unit: "bytes of memory a connection",
  main: "memory",
  scale: { of: "connections", full: CONNECTIONS },
  isShort: true,
  needsFreshBed: true,
  async run(bed, { size, effort }) {
    const count = Math.round(CONNECTIONS * size);
    await bed.fill(count);
    await bed.generator.mark();
    const { value, usage } = await bed.measure(async () => {
      await Bun.sleep(effort.idleSeconds * (size < 1 ? SMALLER : 1) * 1_000);
      return bed.generator.report();
    });
    const memory = await bed.memoryEach(count);
    const { closed, pings } = value;
    return {
      isVoid: false,
      fault: closed > 0 ? `${closed} connections closed` : null,
      figures: {
        memory,
        idleCpu: (usage.system.total / usage.wall) * 1_000,
        pings: pings / usage.wall,
        load: usage.loadShare * 100,
      },
    };
  },
};
