import { expect, test } from "bun:test";
import { pino } from "pino";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { defaultSettings } from "../config/load.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Supervisor } from "./supervisor.ts";
import type { ProcessEnd, ProcessEvents } from "./worker-process.ts";

/** How often workers are looked after. */
const LOOK_MS = 5_000;

/** A process that does what a test says; it answers every look unless it is deaf. */
class ScriptedProcess {
  readonly heard: ToWorker[] = [];
  readonly signals: NodeJS.Signals[] = [];
  readonly pid: number;
  readonly #events: ProcessEvents;
  isDeaf = false;
  hasEnded = false;

  constructor(pid: number, events: ProcessEvents) {
    this.pid = pid;
    this.#events = events;
  }

  send(message: ToWorker): void {
    this.heard.push(message);
    if (message.kind !== "look" || this.isDeaf) return;
    const report = { health: { ok: true, lagMs: 1 }, metrics: [] } as const;
    this.say({ kind: "report", round: message.round, report });
  }

  kill(signal: NodeJS.Signals): void {
    this.signals.push(signal);
    if (signal === "SIGKILL") this.end({ status: null, signal });
  }

  say(message: FromWorker): void {
    this.#events.onMessage(message);
  }

  listen(): void {
    this.say({ kind: "hello" });
    this.say({ kind: "listening" });
  }

  end(end: ProcessEnd): void {
    this.hasEnded = true;
    this.#events.onEnd(end);
  }

  get looks(): number {
    return this.heard.filter(({ kind }) => kind === "look").length;
  }

  /** The reasons of the answers it got, null where all were well. */
  get answers(): readonly (string | null)[] {
    return this.heard.flatMap((message) =>
      message.kind === "answer" && "health" in message
        ? [message.health.ok ? null : message.health.reason]
        : [],
    );
  }
}

/** A supervisor whose clock and processes are the test's. */
class Stage {
  readonly clock = new ManualClock();
  readonly processes: ScriptedProcess[] = [];
  readonly supervisor: Supervisor;
  isOutOfProcesses = false;

  constructor(count: number) {
    this.supervisor = new Supervisor({
      count,
      settings: defaultSettings(),
      spawn: (events) => {
        if (this.isOutOfProcesses) throw new Error("EAGAIN");
        const started = new ScriptedProcess(this.processes.length + 1, events);
        this.processes.push(started);
        return started;
      },
      clock: this.clock,
      random: () => 1,
      logger: pino({ level: "silent" }),
    });
  }

  /** A stage on which all workers listen. */
  static async running(count: number): Promise<Stage> {
    const stage = new Stage(count);
    const started = stage.supervisor.start();
    for (let index = 0; index < count; index += 1) stage.process(index + 1).listen();
    expect(await started).toBeNull();
    return stage;
  }

  process(number: number): ScriptedProcess {
    const found = this.processes[number - 1];
    if (found === undefined) throw new Error(`no process ${number} was started`);
    return found;
  }

  /** Asks through a worker how all are, and returns the answer once the second for it has passed. */
  async ask(worker: number): Promise<string | null | undefined> {
    this.process(worker).say({ kind: "ask", id: 1, question: "health" });
    this.clock.advance(1_000);
    await settled();
    return this.process(worker).answers.at(-1);
  }
}

/** Lets everything happen that waits for nothing but its turn. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test("the others start when the first one listens, and each is told its number", async () => {
  const stage = new Stage(3);
  const started = stage.supervisor.start();
  expect(stage.processes).toHaveLength(1);
  for (const number of [1, 2, 3]) stage.process(number).listen();
  expect(await started).toBeNull();
  expect(stage.processes.map(({ heard }) => heard[0])).toMatchObject([
    { kind: "begin", worker: 1 },
    { kind: "begin", worker: 2 },
    { kind: "begin", worker: 3 },
  ]);
});

test.each([
  [{ status: 2, signal: null }, 2],
  [{ status: 0, signal: null }, 1],
  [{ status: null, signal: "SIGSEGV" }, 1],
])(
  "a worker that ends before it listens (%p) ends the start with %p, and is not started again",
  async (end, status) => {
    const stage = new Stage(2);
    const started = stage.supervisor.start();
    stage.process(1).end(end);
    expect(await started).toBe(status);
    stage.clock.advance(60_000);
    expect(stage.processes).toHaveLength(1);
  },
);

test("a worker that died is started again with its number, later after each early death", async () => {
  const stage = await Stage.running(2);
  stage.process(2).end({ status: 1, signal: null });
  stage.clock.advance(0);
  expect(stage.processes).toHaveLength(3);
  stage.process(3).listen();
  expect(stage.process(3).heard[0]).toMatchObject({ kind: "begin", worker: 2 });
  stage.process(3).end({ status: 1, signal: null });
  stage.clock.advance(499);
  expect(stage.processes).toHaveLength(3);
  stage.clock.advance(1);
  expect(stage.processes).toHaveLength(4);
});

test("the fifth early death in a row of one worker is told as hopeless; deaths of several are not added up", async () => {
  const stage = await Stage.running(2);
  let isHopeless = false;
  void stage.supervisor.hopeless.then(() => (isHopeless = true));
  const living = (): readonly ScriptedProcess[] => stage.processes.filter(({ hasEnded }) => !hasEnded);
  for (let death = 1; death <= 4; death += 1) {
    for (const each of living()) each.end({ status: 1, signal: null });
    stage.clock.advance(2_000);
  }
  await settled();
  expect(isHopeless).toBe(false);
  expect(living()).toHaveLength(2);
  living()[0]?.end({ status: 1, signal: null });
  stage.clock.advance(10_000);
  await settled();
  expect(isHopeless).toBe(true);
  expect(living()).toHaveLength(1);
});

test("a process that the system refuses to start counts as one that died", async () => {
  const stage = await Stage.running(2);
  stage.isOutOfProcesses = true;
  stage.process(1).end({ status: 1, signal: null });
  stage.clock.advance(0);
  stage.isOutOfProcesses = false;
  stage.clock.advance(500);
  expect(stage.processes).toHaveLength(3);
});

test("a worker that is silent for half a minute is killed and replaced; one that answers is not", async () => {
  const stage = await Stage.running(2);
  const [first, second] = [stage.process(1), stage.process(2)];
  second.isDeaf = true;
  for (let look = 0; look < 6; look += 1) {
    expect(second.signals).toEqual([]);
    stage.clock.advance(LOOK_MS);
  }
  stage.clock.advance(LOOK_MS);
  expect(second.signals).toEqual(["SIGKILL"]);
  expect(first.signals).toEqual([]);
  stage.clock.advance(LOOK_MS);
  expect(stage.processes).toHaveLength(3);
});

test("a supervisor that was itself stopped for an hour kills nobody", async () => {
  const stage = await Stage.running(2);
  stage.clock.stall(3_600_000);
  for (let look = 0; look < 20; look += 1) stage.clock.advance(LOOK_MS);
  expect(stage.processes.flatMap(({ signals }) => signals)).toEqual([]);
  expect(stage.processes).toHaveLength(2);
});

test("however often one is asked, workers are looked at ten times a second at most", async () => {
  const stage = await Stage.running(2);
  for (let ask = 0; ask < 1_000; ask += 1) {
    stage.process(1).say({ kind: "ask", id: ask, question: "health" });
    stage.clock.advance(1);
    await settled();
  }
  expect(stage.process(1).answers).toHaveLength(1_000);
  expect(stage.process(2).looks).toBeLessThanOrEqual(10);
});

test("the answer for all names who does not answer, who starts, and who is gone", async () => {
  const stage = await Stage.running(3);
  expect(await stage.ask(1)).toBeNull();
  stage.process(2).isDeaf = true;
  expect(await stage.ask(1)).toBe("Worker process 2 of 3: It does not answer.");
  stage.process(2).end({ status: 1, signal: null });
  expect(await stage.ask(1)).toBe("Worker process 2 of 3: It starts.");
  stage.process(4).end({ status: 1, signal: null });
  stage.process(1).say({ kind: "ask", id: 2, question: "health" });
  await settled();
  expect(stage.process(1).answers.at(-1)).toBe(
    "Worker process 2 of 3: Its process ended and is started again.",
  );
});

test("what a process wrote before its end and is read after it means nothing", async () => {
  const stage = await Stage.running(2);
  stage.process(2).end({ status: 1, signal: null });
  stage.process(2).listen();
  expect(await stage.ask(1)).toBe("Worker process 2 of 2: It starts.");
});

test("who leaves starts nobody again, and waits for all", async () => {
  const stage = await Stage.running(2);
  stage.process(1).end({ status: 1, signal: null });
  let hasLeft = false;
  const left = stage.supervisor.leave("SIGTERM").then(() => (hasLeft = true));
  stage.clock.advance(60_000);
  expect(stage.processes).toHaveLength(2);
  expect(stage.process(2).signals).toEqual(["SIGTERM"]);
  await settled();
  expect(hasLeft).toBe(false);
  expect(await stage.ask(2)).toBe("The relay is shutting down.");
  stage.process(2).end({ status: 0, signal: null });
  await left;
  expect(stage.clock.timers).toBe(0);
});
