import { expect, test } from "bun:test";
import { SignJWT } from "jose";
import { connectOn } from "../../packages/client/src/connect.ts";
import type { Gap } from "../../packages/client/src/gap.ts";
import type { Platform } from "../../packages/client/src/platform.ts";
import type { ConnectOptions, Tidings } from "../../packages/client/src/tidings.ts";
import { webPlatform } from "../../packages/client/src/web-platform.ts";
import { eventually } from "../support/eventually.ts";
import { startTestRelay, type TestRelay } from "../support/test-relay.ts";

/** The SDK on a real relay: what it saw, and a hand on its sockets. */
interface Scene extends Disposable {
  readonly tidings: Tidings;
  readonly seen: unknown[];
  readonly gaps: Gap[];
  /** Ends the newest WebSocket as a mobile browser does: 1000, and nothing said. */
  cut(): void;
}

function open(
  relay: TestRelay,
  options: Partial<ConnectOptions> = {},
  differences: Partial<Platform> = {},
): Scene {
  const web = webPlatform();
  const sockets: ReturnType<Platform["socket"]>[] = [];
  const platform: Platform = {
    ...web,
    socket(url, protocols) {
      const socket = web.socket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    ...differences,
  };
  const tidings = connectOn(platform, { url: `${relay.url}/?user_id=alice`, ...options });
  const seen: unknown[] = [];
  const gaps: Gap[] = [];
  tidings.on("*", (payload) => seen.push(payload));
  tidings.on("tidings.gap", (gap) => gaps.push(gap));
  return {
    tidings,
    seen,
    gaps,
    cut: () => sockets.at(-1)?.close(1000),
    [Symbol.dispose]: () => tidings.close(),
  };
}

async function live({ tidings }: Scene): Promise<void> {
  await eventually("the client is live", () => tidings.status.kind === "live");
}

async function publish(relay: TestRelay, from: number, to: number, target = "alice"): Promise<void> {
  for (let n = from; n <= to; n += 1) {
    await relay.publish({ target_user_id: target, type: "step", payload: n });
  }
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

test("the SDK gets updates, and its messages reach the workers", async () => {
  await using relay = await startTestRelay();
  using scene = open(relay);
  await live(scene);
  await publish(relay, 1, 3);
  await eventually("three updates came", () => scene.seen.length === 3);
  await scene.tidings.send("ask", { question: "why?" });
  expect(scene.seen).toEqual([1, 2, 3]);
  expect(scene.gaps).toEqual([]);
});

test("a connection that is cut again and again loses nothing and doubles nothing, broadcasts included", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  using scene = open(relay);
  await live(scene);
  for (let round = 0; round < 5; round += 1) {
    const first = round * 40 + 1;
    await publish(relay, first, first + 9);
    scene.cut();
    await publish(relay, first + 10, first + 19);
    await publish(relay, first + 20, first + 29, "*");
    scene.tidings.reconnect();
    await publish(relay, first + 30, first + 39);
  }
  await eventually("all updates came", () => scene.seen.length >= 200);
  await live(scene);
  expect((scene.seen as number[]).toSorted((a, b) => a - b)).toEqual(numbers(1, 200));
  expect(scene.gaps).toEqual([]);
});

test("the SDK's own wait ends in a resume, without a hand from the application", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  using scene = open(relay);
  await live(scene);
  await publish(relay, 1, 2);
  await eventually("two updates came", () => scene.seen.length === 2);
  scene.cut();
  await eventually("it is noticed", () => scene.tidings.status.kind !== "live");
  await publish(relay, 3, 4);
  await eventually("all updates came", () => scene.seen.length === 4);
  expect(scene.seen).toEqual([1, 2, 3, 4]);
});

test("a page that was rendered at an offset gets what came since", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  using first = open(relay);
  await live(first);
  const { offset } = first.tidings;
  await publish(relay, 1, 5);
  using second = open(relay, { since: offset });
  await eventually("all updates came", () => second.seen.length === 5);
  using third = open(relay, { since: "earliest" });
  await eventually("all updates came", () => third.seen.length === 5);
  expect(third.seen).toEqual([1, 2, 3, 4, 5]);
  expect([...second.gaps, ...third.gaps]).toEqual([]);
});

test("what is no longer held is told as a gap, and what is new follows", async () => {
  await using relay = await startTestRelay({ settings: { history: true, history_size: 5 } });
  using first = open(relay);
  await live(first);
  const { offset } = first.tidings;
  await publish(relay, 1, 20);
  await eventually("all updates came", () => first.seen.length === 20);
  using second = open(relay, { since: `${offset?.split(",")[0]?.replace(/\d+$/, "1")}` });
  await live(second);
  await publish(relay, 21, 21);
  await eventually("the newest came", () => second.seen.includes(21));
  expect(second.gaps).toHaveLength(1);
  expect(second.gaps[0]).toMatchObject({ reason: "trimmed", log: "user" });
  using third = open(relay, { since: "elsewhere.7" });
  await eventually("the gap is told", () => third.gaps.length > 0);
  expect(third.gaps[0]).toMatchObject({ reason: "epoch_changed", after: "elsewhere.7", missed: null });
});

test("without history a break is told as a gap of unknown size", async () => {
  await using relay = await startTestRelay();
  using scene = open(relay);
  await live(scene);
  scene.cut();
  await eventually("the gap is told", () => scene.gaps.length === 1);
  expect(scene.gaps[0]).toMatchObject({ reason: "history_off", missed: null });
});

test("where no WebSocket can be opened, updates come as server-sent events, and a break is resumed", async () => {
  await using relay = await startTestRelay({ settings: { history: true } });
  const aborts: AbortController[] = [];
  const blocked: Partial<Platform> = {
    random: () => 0,
    socket() {
      throw new Error("blocked");
    },
    async fetch(url, init) {
      const cut = new AbortController();
      aborts.push(cut);
      const signal = AbortSignal.any([cut.signal, ...(init.signal ? [init.signal] : [])]);
      return fetch(url, { ...init, signal });
    },
  };
  using scene = open(relay, {}, blocked);
  await live(scene);
  expect(scene.tidings.status).toMatchObject({ transport: "sse", userId: "alice" });
  await publish(relay, 1, 3);
  await eventually("three updates came", () => scene.seen.length === 3);
  aborts.at(-1)?.abort();
  await publish(relay, 4, 6);
  await eventually("all updates came", () => scene.seen.length === 6);
  expect(scene.seen).toEqual([1, 2, 3, 4, 5, 6]);
  expect(scene.gaps).toEqual([]);
});

test("tokens are renewed on the open connection, each by its own lifetime", async () => {
  const secret = "0123456789abcdef0123456789abcdef";
  await using relay = await startTestRelay({ settings: { jwt_secret: secret, insecure_user_id: false } });
  let asked = 0;
  const token = (): Promise<string> => {
    asked += 1;
    return new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("alice")
      .setExpirationTime(Math.floor(Date.now() / 1_000) + (asked === 1 ? 6 : 4))
      .sign(new TextEncoder().encode(secret));
  };
  using scene = open(relay, { url: relay.url, token });
  await live(scene);
  const { status } = scene.tidings;
  await eventually("the third token was asked for and taken", () => asked === 4);
  expect(scene.tidings.status).toEqual(status);
  expect(await relay.metric('tidings_handshakes_total{result="accepted"}')).toBe(1);
}, 60_000);

test("a client that an operator sent away stays away until the application asks for it", async () => {
  await using relay = await startTestRelay({ settings: { history: true, api_key: "k".repeat(32) } });
  using scene = open(relay);
  await live(scene);
  await relay.http("/v1/users/alice/connections", {
    method: "DELETE",
    headers: { authorization: `Bearer ${"k".repeat(32)}` },
  });
  await eventually("it is refused", () => scene.tidings.status.kind === "refused");
  expect(scene.tidings.status).toMatchObject({ code: 4403 });
  scene.tidings.reconnect();
  await live(scene);
});
