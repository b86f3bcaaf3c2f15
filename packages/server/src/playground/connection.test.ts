import { expect, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import * as fc from "fast-check";
import { closingFrame, SUBPROTOCOL, welcomeFrame, type WelcomePayload } from "@tidings/protocol";
import { type ConnectionStatus, reconnectDelay, RelayConnection } from "./connection.ts";

const welcomePayload: WelcomePayload = {
  connection_id: "c1",
  user_id: "demo",
  expires_in_ms: null,
  heartbeat: { interval_ms: 25_000, timeout_ms: 10_000 },
  limits: { max_message_bytes: 1, messages_per_second: 1, message_burst: 1 },
};
const welcome = welcomeFrame(welcomePayload);

/** A relay's end of real sockets, and a connection to it whose timers fire when the test says so. */
function setUp(open: (socket: ServerWebSocket) => void): {
  readonly statuses: readonly ConnectionStatus[];
  readonly frames: readonly string[];
  readonly received: readonly string[];
  /** What each handshake asked for as `since`. */
  readonly asked: readonly (string | null)[];
  readonly timers: Map<number, () => void>;
  readonly connection: RelayConnection;
  until(isTrue: () => boolean): Promise<void>;
  [Symbol.dispose](): void;
} {
  const statuses: ConnectionStatus[] = [];
  const frames: string[] = [];
  const received: string[] = [];
  const asked: (string | null)[] = [];
  const timers = new Map<number, () => void>();
  const waiting = new Set<() => void>();
  const note = <Item>(list: Item[], item: Item): void => {
    list.push(item);
    for (const look of waiting) look();
  };
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, it) {
      asked.push(new URL(request.url).searchParams.get("since"));
      const headers = { "sec-websocket-protocol": SUBPROTOCOL };
      return it.upgrade(request, { data: undefined, headers })
        ? undefined
        : new Response("no", { status: 400 });
    },
    websocket: { open, message: (_socket, text) => note(received, String(text)) },
  });
  const connection = new RelayConnection({
    url: `ws://127.0.0.1:${server.port}/ws`,
    onFrame: (text) => note(frames, text),
    onStatus: (status) => note(statuses, status),
    random: () => 0.5,
    now: () => 1_000,
    after: (ms, run) => {
      timers.set(ms, run);
      return () => timers.delete(ms);
    },
  });
  return {
    statuses,
    frames,
    received,
    asked,
    timers,
    connection,
    until: (isTrue) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isTrue()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    [Symbol.dispose]() {
      connection.close();
      void server.stop(true);
    },
  };
}

test("it is live once the relay has welcomed it, and hands on every frame", async () => {
  using relay = setUp((socket) => void (socket.send(welcome), socket.send('{"type":"x","payload":1e400}')));
  await relay.until(() => relay.frames.length === 2);
  expect(relay.statuses).toEqual([{ kind: "connecting" }, { kind: "live", connectionId: "c1" }]);
  expect(relay.frames).toEqual([welcome, '{"type":"x","payload":1e400}']);
});

test("it comes back when the relay says it should", async () => {
  let opened = 0;
  using relay = setUp((socket) => {
    opened += 1;
    socket.send(welcome);
    if (opened > 1) return;
    socket.send(closingFrame({ code: 1001, reason: "draining", come_back: "later", retry_after_ms: 4_321 }));
    socket.close(1001);
  });
  await relay.until(() => relay.statuses.at(-1)?.kind === "offline");
  expect(relay.statuses.at(-1)).toEqual({ kind: "offline", reason: "draining", retryAt: 5_321 });
  expect(relay.connection.send({ type: "x" })).toBe(false);
  relay.timers.get(4_321)?.();
  await relay.until(() => relay.statuses.at(-1)?.kind === "live");
});

test("it begins with all that is held, and comes back for what it missed", async () => {
  let opened = 0;
  using relay = setUp((socket) => {
    opened += 1;
    socket.send(welcomeFrame({ ...welcomePayload, offset: "e.4,*f.2", recovered: true, following: 1 }));
    if (opened > 1) return;
    socket.send('{"type":"x","payload":1,"offset":"e.5"}');
    socket.close(1001);
  });
  await relay.until(() => relay.statuses.at(-1)?.kind === "offline");
  relay.timers.get(375)?.();
  await relay.until(() => relay.statuses.at(-1)?.kind === "live");
  expect(relay.asked).toEqual(["earliest", "e.5,*f.2"]);
});

test("it stays away when the relay says never, until a person wants otherwise", async () => {
  let opened = 0;
  using relay = setUp((socket) => {
    opened += 1;
    socket.send(welcome);
    if (opened > 1) return;
    socket.send(closingFrame({ code: 4403, reason: "revoked", come_back: "never" }));
    socket.close(4403);
  });
  await relay.until(() => relay.statuses.at(-1)?.kind === "offline");
  expect(relay.statuses.at(-1)).toEqual({ kind: "offline", reason: "revoked", retryAt: null });
  expect(relay.timers.size).toBe(0);
  relay.connection.retryNow();
  await relay.until(() => relay.statuses.at(-1)?.kind === "live");
});

test("a relay that answers no heartbeat counts as lost", async () => {
  using relay = setUp((socket) => void socket.send(welcome));
  await relay.until(() => relay.statuses.at(-1)?.kind === "live");
  relay.timers.get(25_000)?.();
  await relay.until(() => relay.received.length === 1);
  expect(relay.received).toEqual(['{"type":"tidings.ping"}']);
  relay.timers.get(10_000)?.();
  expect(relay.statuses.at(-1)).toMatchObject({ kind: "offline", reason: "the relay does not answer" });
});

test("the delay grows, is spread, and never passes 15 seconds", () => {
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (attempt, chance) => {
        const delay = reconnectDelay(attempt, () => chance);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(15_000);
        expect(reconnectDelay(attempt + 1, () => chance)).toBeGreaterThanOrEqual(delay);
      },
    ),
  );
});
