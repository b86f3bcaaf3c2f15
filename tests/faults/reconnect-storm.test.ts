import { expect, test } from "bun:test";
import { FAULT_TIMEOUT_MS, figure, sized } from "./support/form.ts";
import { eventually } from "../support/eventually.ts";
import { Stage } from "./support/stage.ts";
import { brief } from "./support/verdict.ts";

const CLIENTS = sized(500, 5_000);
const RATE = sized(300, 1_000);
const MIB = 1_048_576;

test(
  `${CLIENTS} clients that are cut at once all come back with what they missed`,
  async () => {
    await using stage = await Stage.open({ name: "reconnect storm", relays: 2 });
    const [dying] = stage.relays;
    if (dying === undefined) throw new Error("unreachable");
    await stage.gather(CLIENTS);
    const publisher = await stage.publisher("fcall");
    publisher.start(RATE);
    await stage.attempted(RATE * 2);
    const startedAt = performance.now();
    for (const application of stage.applications) application.cut();
    await eventually("nobody is connected", () => stage.applications.some(({ isLetIn }) => !isLetIn));
    await stage.settled();
    figure("all are back after", `${Math.round(performance.now() - startedAt)} ms`);
    await stage.attempted(RATE * 2);
    const violations = await stage.judged();
    for (const relay of stage.relays) {
      const highest = Math.max(...relay.memory(0, null).samples.map(({ bytes }) => bytes));
      figure(`${relay.name}, most memory`, `${(highest / MIB).toFixed(1)} MiB`);
    }
    expect(brief(violations)).toEqual([]);
    for (const { log } of stage.applications) {
      for (const { events } of log.connections.slice(1)) {
        expect(events[0]).toMatchObject({ kind: "standing", recovered: true });
      }
    }
  },
  FAULT_TIMEOUT_MS,
);
