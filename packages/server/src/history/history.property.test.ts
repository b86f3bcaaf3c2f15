import { expect, test } from "bun:test";
import fc from "fast-check";
import { BrokerUnavailable } from "../broker/broker.ts";
import { Application, Stage } from "./history-test-support.ts";

const RUNS = Number(process.env["RUNS"] ?? 1_000);

type Step =
  | { readonly kind: "publish" | "lose" | "trim"; readonly target: string }
  | { readonly kind: "execute" | "answer" | "notice" | "lost" | "tick" | "leave" | "comeBack" }
  | { readonly kind: Act; readonly who: number };

type Act = "connect" | "cut" | "take" | "block" | "unblock";

const users = ["ann", "ann", "bob"];
const target = fc.constantFrom("ann", "ann", "bob", "*");
const who = fc.nat({ max: users.length - 1 });
const once = <K extends string>(kind: K): fc.Arbitrary<{ readonly kind: K }> => fc.constant({ kind });

const ordinary: fc.WeightedArbitrary<Step>[] = [
  { weight: 6, arbitrary: target.map((name) => ({ kind: "publish", target: name }) as const) },
  { weight: 8, arbitrary: once("execute") },
  { weight: 8, arbitrary: once("answer") },
  { weight: 8, arbitrary: once("notice") },
  { weight: 1, arbitrary: once("lost") },
  { weight: 1, arbitrary: once("tick") },
  { weight: 4, arbitrary: who.map((index) => ({ kind: "connect", who: index }) as const) },
  { weight: 2, arbitrary: who.map((index) => ({ kind: "cut", who: index }) as const) },
  { weight: 8, arbitrary: who.map((index) => ({ kind: "take", who: index }) as const) },
  { weight: 1, arbitrary: who.map((index) => ({ kind: "block", who: index }) as const) },
  { weight: 1, arbitrary: who.map((index) => ({ kind: "unblock", who: index }) as const) },
];
const outages: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: once("leave") },
  { weight: 2, arbitrary: once("comeBack") },
];
const losses: fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: target.map((name) => ({ kind: "lose", target: name }) as const) },
  { weight: 1, arbitrary: target.map((name) => ({ kind: "trim", target: name }) as const) },
];

const AWAY = new BrokerUnavailable("away");

/** Once the broker has its connections again, it says so. */
function comeBack(stage: Stage): void {
  if (stage.log.isAway === null) return;
  stage.log.comeBack();
  stage.history.resubscribed();
}

async function play(steps: readonly Step[]): Promise<{ stage: Stage; applications: Application[] }> {
  const stage = new Stage();
  const applications = users.map((user) => new Application(user));
  for (const step of steps) {
    if (step.kind === "publish") stage.log.publish(step.target);
    else if (step.kind === "lose") stage.log.lose(step.target);
    else if (step.kind === "trim") stage.log.trim(step.target, 1);
    else if (step.kind === "execute") stage.log.execute();
    else if (step.kind === "answer") stage.log.answer();
    else if (step.kind === "notice" || step.kind === "lost") stage.log.notice(step.kind === "lost");
    else if (step.kind === "tick") stage.clock.advance(1_000);
    else if (step.kind === "leave") stage.log.leave(AWAY);
    else if (step.kind === "comeBack") comeBack(stage);
    else if ("who" in step) act(stage, applications[step.who], step.kind);
    await stage.settle();
  }
  comeBack(stage);
  await stage.quiesce(applications);
  stage.history.stop();
  return { stage, applications };
}

function act(stage: Stage, application: Application | undefined, kind: Act): void {
  if (application === undefined) return;
  if (kind === "connect") void stage.connect(application);
  else if (kind === "cut") stage.cut(application);
  else if (kind === "take") application.take();
  else application.line?.block(kind === "block");
}

/** Where an application must be once everything has come to rest. */
async function topsOf(stage: Stage, user: string): Promise<string> {
  const asked = stage.log.positions([user, "*"]);
  stage.log.execute();
  stage.log.answer();
  const [own, all] = await asked;
  return `${own?.epoch}.${own?.n},*${all?.epoch}.${all?.n}`;
}

test("a client cut at every possible moment sees each update once and in order, and nothing is missing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...ordinary), { minLength: 10, maxLength: 80, size: "max" }),
      async (steps) => {
        const { stage, applications } = await play(steps);
        for (const application of applications) {
          expect(application.violations).toEqual([]);
          expect([application.gaps, application.unrecovered]).toEqual([0, 0]);
          expect(application.since).toBe(await topsOf(stage, application.user));
          expect(application.line?.catchUp).toBeNull();
        }
        expect(stage.faults).toEqual([]);
      },
    ),
    { numRuns: RUNS },
  );
}, 300_000);

test("a client that is there while Redis comes and goes sees each update once and in order from its first place on", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...ordinary, ...outages), { minLength: 10, maxLength: 80, size: "max" }),
      async (steps) => {
        const { stage, applications } = await play(steps);
        for (const application of applications) {
          expect(application.violations).toEqual([]);
          expect([application.gaps, application.unrecovered]).toEqual([0, 0]);
          const tops = (await topsOf(stage, application.user)).split(",");
          for (const place of application.since?.split(",") ?? []) expect(tops).toContain(place);
        }
        expect(stage.faults).toEqual([]);
      },
    ),
    { numRuns: RUNS },
  );
}, 300_000);

test("where logs are lost or trimmed, a client is told of each hole, and sees the rest once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(...ordinary, ...outages, ...losses), { minLength: 10, maxLength: 80, size: "max" }),
      async (steps) => {
        const { stage, applications } = await play(steps);
        for (const application of applications) {
          expect(application.violations).toEqual([]);
          const tops = (await topsOf(stage, application.user)).split(",");
          for (const place of application.since?.split(",") ?? []) expect(tops).toContain(place);
        }
        expect(stage.faults).toEqual([]);
      },
    ),
    { numRuns: RUNS },
  );
}, 300_000);
