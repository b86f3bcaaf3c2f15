import { expect, test } from "bun:test";
import { eventually } from "./support/eventually.ts";
import { startTestRelay } from "./support/test-relay.ts";

test("a relay that drains refuses newcomers, is not ready, and tells each client when to come back", async () => {
  const window = 1_500;
  await using relay = await startTestRelay({ settings: { drain_window: window, drain_deadline: 10_000 } });
  const clients = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      relay.connect(`user-${n}`, n % 2 === 0 ? { protocols: ["tidings.v1"] } : {}),
    ),
  );
  const drained = relay.relay.drain();
  expect((await relay.http("/readyz")).status).toBe(503);
  expect(relay.connect("late")).rejects.toThrow("refused");
  await relay.publish({ target_user_id: "*", type: "last", payload: 1 });
  await drained;
  const advice = new Set<number>();
  for (const client of clients) {
    const { code, reason } = await client.closed();
    expect(code).toBe(1001);
    const retry = Number(/retry_after_ms=(\d+)$/.exec(reason)?.[1]);
    expect(retry).toBeWithin(0, window);
    advice.add(retry);
    if (client.protocol !== "tidings.v1") continue;
    expect(await client.frame("tidings.closing")).toMatchObject({
      payload: { code: 1001, come_back: "later", retry_after_ms: retry },
    });
  }
  expect(advice.size).toBeGreaterThan(20);
  expect(clients.some((client) => client.frames.some((frame) => frame.type === "last"))).toBe(true);
});

test("a drain ends at its deadline, also where clients are left", async () => {
  await using relay = await startTestRelay({ settings: { drain_window: 60_000, drain_deadline: 300 } });
  const clients = await Promise.all(Array.from({ length: 10 }, (_, n) => relay.connect(`user-${n}`)));
  await relay.relay.drain();
  for (const client of clients) {
    const { code, reason } = await client.closed();
    expect(code).toBe(1001);
    expect(reason).toMatch(/retry_after_ms=\d+$/);
  }
});

test("a drain of an empty relay ends at once", async () => {
  await using relay = await startTestRelay({ settings: { drain_window: 60_000, drain_deadline: 60_000 } });
  await relay.relay.drain();
  await eventually("nobody listens", () =>
    relay.http("/healthz").then(
      () => false,
      () => true,
    ),
  );
});
