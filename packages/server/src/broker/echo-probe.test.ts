import { describe, expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { EchoProbe } from "./echo-probe.ts";

describe("EchoProbe", () => {
  test("the first nonce is sent at once and the others at the interval", async () => {
    const it = probing();
    expect(it.sent.length).toBe(1);
    await it.answerAndEcho();
    it.clock.advance(1_000);
    expect(it.sent.length).toBe(2);
    expect(new Set(it.sent).size).toBe(2);
  });

  test("the lag is the time from publish to receipt", async () => {
    const it = probing();
    it.clock.advance(42);
    await it.answerAndEcho();
    expect(it.lags).toEqual([42]);
  });

  test("no second nonce is sent while one is out", () => {
    const it = probing();
    it.clock.advance(2_500);
    expect(it.sent.length).toBe(1);
  });

  test("an echo that does not come within the timeout is silence, told once, and the probe stops", async () => {
    const it = probing();
    await it.answer();
    it.clock.advance(2_999);
    expect(it.silences).toEqual([]);
    it.clock.advance(1);
    expect(it.silences).toEqual(["a message of the relay's own did not come back within 3000 ms"]);
    it.echo();
    it.clock.advance(10_000);
    expect([it.silences.length, it.sent.length, it.lags.length]).toEqual([1, 1, 0]);
  });

  test("a publish that is echoed but never answered is silence", () => {
    const it = probing();
    it.echo();
    expect(it.lags.length).toBe(1);
    it.clock.advance(3_000);
    expect(it.silences).toEqual(["a publish was not answered within 3000 ms"]);
  });

  test("a publish that is refused is silence at once, with its reason", async () => {
    const it = probing();
    await it.refuse(new Error("not allowed"));
    expect(it.silences).toEqual(["not allowed"]);
  });

  test("a message that is not the nonce that is out is ignored, and so is a repeated one", async () => {
    const it = probing();
    it.probe.receive(new TextEncoder().encode("another relay's nonce"));
    expect(it.lags).toEqual([]);
    await it.answerAndEcho();
    it.echo();
    expect(it.lags.length).toBe(1);
  });

  test("after a stall of the process the echo gets a grace, once", () => {
    const it = probing();
    it.clock.stall(10_000);
    expect(it.silences).toEqual([]);
    it.clock.advance(250);
    expect(it.silences.length).toBe(1);
  });

  test("an echo that waited in the socket during a stall saves the connection", async () => {
    const it = probing();
    it.clock.stall(10_000);
    await it.answerAndEcho();
    it.clock.advance(500);
    expect([it.silences.length, it.lags.length]).toEqual([0, 1]);
  });

  test("a probe that was stopped calls nothing and sends nothing", async () => {
    const it = probing();
    it.probe.stop();
    await it.refuse(new Error("destroyed"));
    it.echo();
    it.clock.advance(10_000);
    expect([it.sent.length, it.lags.length, it.silences.length]).toEqual([1, 0, 0]);
    expect(it.clock.timers).toBe(0);
  });
});

/** A started probe whose publishes wait for the test to answer them. */
function probing() {
  const clock = new ManualClock();
  const sent: string[] = [];
  const lags: number[] = [];
  const silences: string[] = [];
  let pending = Promise.withResolvers<void>();
  const probe = new EchoProbe({
    publish: (nonce) => {
      sent.push(nonce);
      pending = Promise.withResolvers<void>();
      return pending.promise;
    },
    intervalMs: 1_000,
    timeoutMs: 3_000,
    clock,
    random: () => 0.5,
    onEcho: (lag) => lags.push(lag),
    onSilence: (reason) => silences.push(reason),
  });
  probe.start();
  const echo = (): void => probe.receive(new TextEncoder().encode(sent.at(-1)));
  const answer = async (): Promise<void> => {
    pending.resolve();
    await Promise.resolve();
  };
  const refuse = async (error: Error): Promise<void> => {
    pending.reject(error);
    await Promise.resolve();
  };
  const answerAndEcho = async (): Promise<void> => {
    await answer();
    echo();
  };
  return { clock, probe, sent, lags, silences, echo, answer, refuse, answerAndEcho };
}
