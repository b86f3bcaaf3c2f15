import { tokenFor, userId } from "../generator/template.ts";
import { JWT_SECRET } from "../systems/run-system.ts";
import { upgradeRequest } from "../systems/system.ts";
import { faultOf, LOAD_LIMIT } from "./outcome.ts";
import type { Workload } from "./workload.ts";

const RETURNING = 2_000;
const MISSED = 50;
const STORE_RATE = 10_000;
const STORED_MS = 1_500;
const MICRO = 1e6;

/** Clients that come back at once, each having missed some updates, and are sent them. */
export const resume: Workload = {
  key: "resume",
  title: `Resume storm: 2,000 clients that missed ${MISSED} updates each`,
  unit: "µs an update replayed, handshakes included",
  scale: { of: "clients", full: RETURNING },
  needsFreshBed: true,
  isFor: (system) => system.hasHistory === true,
  async run(bed, { size }) {
    const { generator } = bed;
    const count = Math.round(RETURNING * size);
    await generator.mark();
    const seconds = (count * MISSED) / STORE_RATE;
    await generator.publish({ firstUser: 1, users: count, rate: STORE_RATE, seconds });
    await Bun.sleep(STORED_MS);
    const guests = Array.from({ length: count }, (_, index) => {
      const token = tokenFor(userId(index + 1), JWT_SECRET);
      return { request: upgradeRequest("/ws?since=earliest", token), hello: "" };
    });
    await generator.set("resume", "true");
    const expected = count * MISSED;
    const { value, usage } = await bed.measure(async () => {
      const opened = await generator.open(bed.port, 1, guests);
      await bed.arrived(expected);
      return opened;
    });
    const received = await generator.report();
    if (usage.loadShare >= LOAD_LIMIT) {
      return {
        isVoid: true,
        reason: `load and Redis used ${(usage.loadShare * 100).toFixed(0)} % of their core`,
      };
    }
    return {
      isVoid: false,
      fault: value.refused > 0 ? `${value.refused} were refused` : faultOf(received, expected),
      figures: {
        cpu: (usage.system.total / expected) * MICRO,
        user: (usage.system.user / expected) * MICRO,
        seconds: usage.wall,
        load: usage.loadShare * 100,
      },
    };
  },
};
