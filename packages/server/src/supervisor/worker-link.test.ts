import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import type { BrokerHealth } from "../broker/broker.ts";
import type { OwnReport } from "../http/relay-report.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { WorkerLink } from "./worker-link.ts";

/** A worker's link with the other end in the test's hands. */
class Stage {
  readonly clock = new ManualClock();
  readonly said: FromWorker[] = [];
  readonly link: WorkerLink;
  isGone = false;
  hear: (message: ToWorker) => void = () => {};

  constructor() {
    const send = (message: FromWorker): void => {
      if (this.isGone) throw new Error("gone");
      this.said.push(message);
    };
    this.link = new WorkerLink({ send, listen: (hear) => (this.hear = hear) }, this.clock);
  }
}

function own(health: BrokerHealth): OwnReport {
  return {
    health: async () => health,
    metrics: () => Promise.reject(new Error("metrics are those of all")),
    snapshot: async () => [],
  };
}

const ready: BrokerHealth = { ok: true, lagMs: 1 };
const away: BrokerHealth = { ok: false, reason: "Redis is away." };

test("each question gets the answer with its number", async () => {
  const stage = new Stage();
  const report = stage.link.speakFor(own(ready));
  const answers = Promise.all([report.health(), report.metrics(), report.health()]);
  const exposition = { text: "all", contentType: "text/plain" };
  stage.hear({ kind: "answer", id: 3, health: ready });
  stage.hear({ kind: "answer", id: 2, exposition });
  stage.hear({ kind: "answer", id: 1, health: away });
  expect(await answers).toEqual([away, exposition, ready]);
  expect(stage.clock.timers).toBe(0);
});

test("a supervisor that does not answer in three seconds makes the relay not ready, and metrics fail", async () => {
  const stage = new Stage();
  const report = stage.link.speakFor(own(ready));
  const answers = Promise.allSettled([report.health(), report.metrics()]);
  stage.clock.advance(3_000);
  const [health, metrics] = await answers;
  expect(health).toMatchObject({ value: { ok: false, reason: expect.stringContaining("supervisor") } });
  expect(metrics.status).toBe("rejected");
});

test("without a supervisor, why this process is not ready is told instead", async () => {
  const stage = new Stage();
  stage.isGone = true;
  expect(await stage.link.speakFor(own(away)).health()).toEqual(away);
  expect(stage.clock.timers).toBe(0);
});

test("a look is answered once there is something to tell, with the number it had", async () => {
  const stage = new Stage();
  stage.hear({ kind: "look", round: 1 });
  stage.link.speakFor(own(ready));
  stage.hear({ kind: "look", round: 2 });
  await Promise.resolve();
  await Promise.resolve();
  await Promise.resolve();
  expect(stage.said).toEqual([{ kind: "report", round: 2, report: { health: ready, metrics: [] } }]);
});
