import { describe, expect, test } from "bun:test";
import type { CloseName } from "@tidings/protocol";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { newCounters } from "../metrics.ts";
import { Heartbeat } from "../websocket/heartbeat.ts";
import { Hub } from "../websocket/hub.ts";
import { OutboxBudget } from "../websocket/outbox-budget.ts";
import { WriteQueue } from "../websocket/write-queue.ts";
import { StreamClient, type StreamSink } from "./stream-client.ts";

const BEAT_MS = 15_000;

/** A network that a test can stop: what was written, and a promise while it takes no more. */
class Line implements StreamSink {
  readonly texts: string[] = [];
  isEnded = false;
  #blocked: PromiseWithResolvers<number> | null = null;

  write(text: unknown): number | Promise<number> {
    this.texts.push(String(text));
    return this.#blocked?.promise ?? String(text).length;
  }

  flush(): number {
    return 0;
  }

  end(): number {
    this.isEnded = true;
    return 0;
  }

  block(): void {
    this.#blocked = Promise.withResolvers();
  }

  async unblock(): Promise<void> {
    this.#blocked?.resolve(1);
    this.#blocked = null;
    await Promise.resolve();
  }
}

function stage(bufferBytes = 1_000, totalBytes = 1_000_000) {
  const clock = new ManualClock();
  const hub = new Hub<StreamClient>();
  const counters = newCounters();
  const line = new Line();
  const closes: (CloseName | null)[] = [];
  const heartbeat = new Heartbeat({ intervalMs: BEAT_MS, timeoutMs: BEAT_MS / 2, clock, random: () => 0 });
  const deferred: (() => void)[] = [];
  const writes = new WriteQueue((run) => deferred.push(run));
  const budget = new OutboxBudget({ limitBytes: totalBytes, writes, onShed: () => {} });
  const client = new StreamClient(
    {
      userId: "alice",
      expiresAt: null,
      address: "::1",
      peerAddress: "::1",
      peerPort: 50_000,
      speaksTidings: true,
      feed: null,
      since: null,
    },
    {
      hub,
      heartbeat,
      counters,
      clock,
      bufferBytes,
      random: () => 0,
      writes,
      budget,
      newConnectionId: () => "c",
      onOpened: () => {},
      begin: () => {},
      onClosed: (_, by) => closes.push(by),
    },
    { release: () => {}, limitEnd: () => {} },
    line,
  );
  client.open();
  line.texts.length = 0;
  const settle = (): void => {
    for (const run of deferred.splice(0)) run();
  };
  return { clock, hub, counters, line, client, closes, settle, budget };
}

describe("a stream", () => {
  test("shows that it lives once an interval, for as long as nothing is said", () => {
    const { clock, line, client } = stage();
    clock.advance(10 * BEAT_MS);
    expect(line.texts).toEqual(Array.from({ length: 10 }, () => ":\n\n"));
    expect(client.isOpen).toBe(true);
  });

  test("writes several updates of one batch at once", () => {
    const { line, client, settle } = stage();
    client.send("1", 1, "e.1");
    client.send("2", 1, "*b.1");
    expect(line.texts).toEqual([]);
    settle();
    expect(line.texts).toEqual(["id: e.1\ndata: 1\n\nid: e.1,*b.1\ndata: 2\n\n"]);
  });

  test("whose network takes nothing for a minute is given up as lost", () => {
    const { clock, line, client, closes, settle } = stage();
    line.block();
    client.send("1", 1);
    settle();
    clock.advance(60_000 - BEAT_MS);
    expect(client.isOpen).toBe(true);
    clock.advance(2 * BEAT_MS);
    expect(closes).toEqual(["heartbeat_lost"]);
    expect(line.isEnded).toBe(true);
  });

  test("that is slow but takes what it gets within a minute each time is kept", async () => {
    const { clock, line, client, closes, settle } = stage();
    for (let n = 0; n < 10; n += 1) {
      line.block();
      client.send("1", 1);
      settle();
      clock.advance(50_000);
      await line.unblock();
    }
    expect(closes).toEqual([]);
  });

  test("keeps no more than its bound and one event for a network that takes nothing", () => {
    const { line, client, hub, counters, closes, settle } = stage(1_000);
    line.block();
    client.send("x".repeat(500), 500);
    settle();
    let taken = 0;
    while (client.send("x".repeat(100), 100)) taken += 1;
    expect(taken).toBe(4);
    expect(counters.outboxHighWater).toBeLessThan(1_000 + 120);
    settle();
    expect(closes).toEqual(["too_slow"]);
    expect(hub.connections).toBe(0);
    expect(line.texts.at(-1)).toContain('"code":4480');
    expect(counters.framesDropped).toBe(taken + 1);
  });

  test("owes the budget of all clients what waits for it, and nothing once its network took it", async () => {
    const { line, client, settle, budget } = stage();
    line.block();
    client.send("a".repeat(100), 100);
    settle();
    const unsent = budget.waitingBytes;
    expect(unsent).toBeGreaterThan(100);
    client.send("b".repeat(100), 100);
    expect(budget.waitingBytes).toBe(2 * unsent);
    await line.unblock();
    settle();
    expect(budget.waitingBytes).toBe(0);
  });

  test("is ended with 4480 where too much waits for all, and owes nothing any more", () => {
    const { line, client, settle, budget, closes } = stage(1_000, 150);
    line.block();
    client.send("a".repeat(100), 100);
    settle();
    client.send("b".repeat(100), 100);
    settle();
    settle();
    expect(closes).toEqual(["too_slow"]);
    expect(budget.waitingBytes).toBe(0);
  });

  test("counts bytes as they are on the wire, whatever the text", () => {
    const { line, client, counters, settle } = stage();
    const frame = '{\n"payload":"é…😀"}';
    client.send(frame, Buffer.byteLength(frame), "e.1");
    settle();
    expect(counters.bytesSent).toBe(Buffer.byteLength(line.texts.join("")));
  });

  test("tells its client why it ends and when an EventSource comes back, and nothing after", () => {
    const { line, client, settle } = stage();
    client.send("1", 1);
    client.close("going_away", { retryAfterMs: 4_711 });
    client.close("forbidden");
    client.send("2", 1);
    settle();
    client.gone();
    expect(line.texts).toEqual([
      "data: 1\n\n",
      expect.stringMatching(/^retry: 4711\ndata: {"type":"tidings.closing".*"retry_after_ms":4711}}\n\n$/),
    ]);
  });
});
