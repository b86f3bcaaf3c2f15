import { expect, test } from "bun:test";
import { processCost } from "../../bench/process-cost.ts";
import { eventually } from "../support/eventually.ts";
import type { BaselineLog } from "./judge/evidence.ts";
import { judge } from "./judge/judge.ts";
import { FAULT_TIMEOUT_MS, sized } from "./support/form.ts";
import { Stage } from "./support/stage.ts";
import { brief } from "./support/verdict.ts";

const USERS = sized(100, 1_000);
const RATE = sized(300, 1_000);
const UPDATES = sized(600, 5_000);
/** Files that come and go with scrapes of the metrics. */
const SPARE = 1.3;

test(
  "without a fault every update arrives, metrics say exactly what clients saw, and all that was opened is closed again",
  async () => {
    await using stage = await Stage.open({ name: "calm" });
    const before = await opened(stage);
    await stage.gather(USERS);
    for (const path of ["fcall", "http", "plain"] as const) (await stage.publisher(path)).start(RATE / 3);
    await stage.attempted(UPDATES);
    const evidence = await stage.evidence({ counted: stage.relays, isExact: true, readsStore: true });
    for (const application of stage.applications) application[Symbol.dispose]();
    await eventually("nobody is connected", async () => {
      const open = await Promise.all(stage.relays.map((relay) => relay.metric("tidings_connections")));
      return open.every((connections) => connections === 0);
    });
    const after = await opened(stage);
    const baselines: BaselineLog[] = [...before].map(([what, count]) => {
      return { what, before: count, after: after.get(what) ?? 0, ratio: SPARE };
    });
    expect(brief(judge({ ...evidence, baselines }))).toEqual([]);
  },
  FAULT_TIMEOUT_MS,
);

/** How many of each thing are open. */
async function opened({ relays, redis }: Stage): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { name, pid } of relays) counts.set(`files of ${name}`, processCost.openFiles(pid));
  const channels = await redis.cli("PUBSUB", "NUMSUB", "updates", "tidings:log");
  for (const [index, count] of channels.split("\n").entries()) {
    if (index % 2 === 1) counts.set(`subscriptions ${index}`, Number(count));
  }
  return counts;
}
