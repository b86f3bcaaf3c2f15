import { expect, test } from "bun:test";
import { startRedis } from "../../tests/support/redis-server.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { upgradeRequest } from "../systems/system.ts";
import { voidReason } from "../workloads/outcome.ts";
import { buildGenerator } from "./build.ts";
import { Generator, type Published, type Received } from "./generator.ts";
import { type Misdeed, startMisbehavingRelay } from "./misbehaving-relay.ts";
import {
  type Audience,
  redisCommand,
  samplePayload,
  sampleUpdate,
  templateOf,
  tokenFor,
  userId,
} from "./template.ts";

const program = await buildGenerator();
const RATE = 2_000;

interface Trial {
  readonly published: Published;
  readonly received: Received;
}

/** Streams for half a second through a control, and resolves when all that comes has come. */
async function trial(misdeed: Misdeed, users: number, audience: Audience = "user"): Promise<Trial> {
  await using redis = await startRedis();
  await using relay = await startMisbehavingRelay(redis.url, misdeed);
  await using generator = await Generator.start(program, null);
  const payload = samplePayload(200);
  await generator.connect(redis.port);
  await generator.set("broadcast", String(audience === "everyone"));
  await generator.set("expected", templateOf(`{"type":"bench","payload":${payload}}`));
  await generator.set(
    "published",
    templateOf(redisCommand("PUBLISH", "updates", sampleUpdate(audience, payload))),
  );
  const guests = Array.from({ length: users }, (_, index) => ({
    request: upgradeRequest(`/ws?user_id=${userId(index + 1)}`, null),
    hello: "",
  }));
  const { open } = await generator.open(relay.port, 1, guests);
  expect(open).toBe(users);
  await generator.mark();
  const published = await generator.publish({ firstUser: 1, users, rate: RATE, seconds: 0.5 });
  const fanout = audience === "everyone" ? users : 1;
  const settled = new Set<string>();
  // All that a control sends is there once an update for the last user came after it; what it lost never comes.
  await eventually("everything came", async () => {
    const { frames, missing, wrongBytes } = await generator.report();
    const state = `${frames} ${missing} ${wrongBytes}`;
    if (frames + missing + wrongBytes < published.published * fanout || !settled.has(state)) {
      settled.add(state);
      return false;
    }
    return true;
  });
  return { published, received: await generator.report() };
}

test("the generator finds nothing wrong with a relay that works, and publishes all that is due", async () => {
  const { published, received } = await trial("nothing", 20);
  expect(published).toMatchObject({ published: 1_000, confirmed: 1_000, errors: 0, blocked: 0 });
  expect(received).toMatchObject({
    frames: 1_000,
    missing: 0,
    gaps: 0,
    notRising: 0,
    wrongUser: 0,
    wrongBytes: 0,
    closed: 0,
    open: 20,
  });
  expect(received.latency.count).toBe(1_000);
});

test("the generator expects a broadcast on every connection", async () => {
  const { received } = await trial("nothing", 20, "everyone");
  expect(received).toMatchObject({ frames: 20_000, missing: 0, notRising: 0, wrongUser: 0, wrongBytes: 0 });
});

test("the generator finds updates that were lost, be they the last", async () => {
  const { received } = await trial("loses", 20);
  expect(received).toMatchObject({ frames: 950, missing: 50, notRising: 0, wrongUser: 0, wrongBytes: 0 });
});

test("the generator finds updates that came twice", async () => {
  const { received } = await trial("doubles", 20);
  expect(received).toMatchObject({ frames: 1_050, missing: 0, notRising: 50 });
});

test("the generator finds updates that overtook each other", async () => {
  const { received } = await trial("swaps", 1);
  // The last update is held back for ever, since none comes after it.
  expect(received.notRising).toBe(49);
});

test("the generator finds updates of another user", async () => {
  const { received } = await trial("misdirects", 20);
  expect(received).toMatchObject({ wrongUser: 50, missing: 50, wrongBytes: 0 });
});

test("the generator finds a single byte that differs", async () => {
  const { received } = await trial("alters", 20);
  expect(received).toMatchObject({ frames: 950, wrongBytes: 50, missing: 50 });
});

test("a relay that stalls is charged for every update that was due meanwhile", async () => {
  const { received } = await trial("stalls", 20);
  // It stalls for 300 of 500 ms: two thirds of the updates that fell due then waited for over 100 ms.
  expect(received.latency.p90).toBeGreaterThan(100);
  expect(received.latency.max).toBeGreaterThan(250);
});

test("a generator that was kept from its schedule makes the run void", async () => {
  await using redis = await startRedis();
  await using generator = await Generator.start(program, null);
  await generator.connect(redis.port);
  const update = sampleUpdate("user", samplePayload(200));
  await generator.set("published", templateOf(redisCommand("PUBLISH", "updates", update)));
  const publishing = generator.publish({ firstUser: 1, users: 20, rate: RATE, seconds: 0.5 });
  await eventually("the stream is under way", async () => {
    return Number(/total_commands_processed:(\d+)/.exec(await redis.cli("INFO", "stats"))?.[1]) > 100;
  });
  process.kill(generator.pid, "SIGSTOP");
  await Bun.sleep(100);
  process.kill(generator.pid, "SIGCONT");
  const published = await publishing;
  expect(published.published).toBe(1_000);
  const usage = { system: { user: 0, total: 0 }, generatorShare: 0.1, loadShare: 0.2, wall: 1 };
  expect(voidReason(usage, { published })).toContain("the schedule slipped");
});

test("a refused handshake is told, and is not counted as open", async () => {
  await using redis = await startRedis();
  await using relay = await startMisbehavingRelay(redis.url, "nothing");
  await using generator = await Generator.start(program, null);
  const request = "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
  const { open, refused } = await generator.open(relay.port, 1, [{ request, hello: "" }]);
  expect({ open, refused }).toEqual({ open: 0, refused: 1 });
});

test("a command that cannot be obeyed rejects", async () => {
  await using generator = await Generator.start(program, null);
  expect(await generator.set("no-such-name", "x").catch(String)).toContain("not possible");
});

test("all tokens of one secret are equally long", () => {
  const lengths = [1, 10, 999, 18_999].map((index) => tokenFor(userId(index), "secret").length);
  expect(new Set(lengths).size).toBe(1);
});
