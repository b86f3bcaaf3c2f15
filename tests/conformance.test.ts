import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { createClient } from "@redis/client";
import {
  ackFrame,
  ClientMessageReader,
  closeCodes,
  closingFrame,
  errorFrame,
  formatOffset,
  gapFrame,
  parseSince,
  pongFrame,
  resumedFrame,
  UpdateReader,
  welcomeFrame,
} from "@tidings/protocol";
import { eventually } from "./support/eventually.ts";
import { root } from "./support/process.ts";
import { startTestRelay } from "./support/test-relay.ts";

setDefaultTimeout(60_000);

interface UpdateVector {
  readonly name: string;
  readonly update?: string;
  readonly update_base64?: string;
  readonly max_update_bytes?: number;
}

type ValidUpdate = UpdateVector & Readonly<Record<"target" | "frame" | "offset" | "frame_at_offset", string>>;

interface Updates {
  readonly valid: readonly ValidUpdate[];
  readonly malformed: readonly (UpdateVector & { readonly fault: string })[];
}

async function vectors<T>(name: string): Promise<T> {
  return (await Bun.file(join(root, `conformance/${name}.json`)).json()) as T;
}

const updates = await vectors<Updates>("updates");

function bytesOf({ update = "", update_base64: base64 }: UpdateVector): Buffer {
  return base64 === undefined ? Buffer.from(update) : Buffer.from(base64, "base64");
}

describe("the protocol conforms:", () => {
  test("updates", () => {
    for (const one of updates.valid) {
      const reader = new UpdateReader({ maxBytes: one.max_update_bytes ?? 1_048_576 });
      expect([one.name, reader.read(bytesOf(one))]).toEqual([one.name, null]);
      expect([reader.target, reader.frame()]).toEqual([one.target, one.frame]);
      expect(reader.frameAt(one.offset)).toBe(one.frame_at_offset);
    }
    for (const one of updates.malformed) {
      const reader = new UpdateReader({ maxBytes: one.max_update_bytes ?? 1_048_576 });
      expect([one.name, reader.read(bytesOf(one)) as string]).toEqual([one.name, one.fault]);
    }
  });

  test("offsets", async () => {
    const { valid, malformed, format } = await vectors<{
      valid: (NonNullable<ReturnType<typeof parseSince>> & { since: string })[];
      malformed: string[];
      format: { target: string; epoch: string; n: number; offset: string }[];
    }>("offsets");
    for (const { since, ...places } of valid) expect(parseSince(since)).toEqual(places);
    for (const since of malformed) expect([since, parseSince(since)]).toEqual([since, null]);
    for (const one of format) expect(formatOffset(one.target, one.epoch, one.n)).toBe(one.offset);
  });

  test("close codes", async () => {
    const { codes } = await vectors<{ codes: unknown[] }>("close-codes");
    const ours = Object.values(closeCodes).map((row) => ({
      code: row.code,
      name: row.name,
      come_back: row.comeBack,
    }));
    expect(codes).toEqual(ours);
  });

  test("messages of clients", async () => {
    const { valid, malformed } = await vectors<{
      valid: { message: string; type: string; payload: string; id: string | null }[];
      malformed: string[];
    }>("client-messages");
    const reader = new ClientMessageReader();
    for (const { message, type, payload, id } of valid) {
      expect(reader.read(Buffer.from(message))).toEqual({ type, payload, id: id ?? undefined });
    }
    for (const message of malformed) {
      expect([message, "fault" in reader.read(Buffer.from(message))]).toEqual([message, true]);
    }
  });

  test("frames of the relay", async () => {
    interface Members {
      readonly type: string;
      readonly id?: string;
      readonly payload?: never;
    }
    const { frames } = await vectors<{
      frames: { frame: string; system: boolean; known: boolean; members: Members }[];
    }>("frames");
    const writers: Readonly<Record<string, (payload: never, id?: string) => string>> = {
      "tidings.welcome": welcomeFrame,
      "tidings.pong": (_, id) => pongFrame(id),
      "tidings.ack": (payload, id = "") => ackFrame(id, payload),
      "tidings.error": errorFrame,
      "tidings.resumed": resumedFrame,
      "tidings.gap": gapFrame,
      "tidings.closing": closingFrame,
    };
    for (const { frame, system, known, members } of frames) {
      const { type, id, payload } = members;
      expect(JSON.parse(frame)).toEqual(members);
      expect([type, type.startsWith("tidings.")]).toEqual([type, system]);
      if (!system) continue;
      expect([type, type in writers]).toEqual([type, known]);
      if (known) expect(writers[type]?.(payload as never, id)).toBe(frame);
    }
    expect(new Set(frames.map(({ members }) => members.type)).size).toBeGreaterThan(
      Object.keys(writers).length,
    );
  });
});

for (const broker of ["redis", "embedded"] as const) {
  test(`the log of the ${broker} broker conforms: it takes and refuses the same updates, and gives the same frames`, async () => {
    await using relay = await startTestRelay({ broker, settings: { history: true } });
    const port = relay.relay.embeddedPort;
    using redis = {
      client: createClient({ url: port === null ? relay.redis.url : `redis://127.0.0.1:${port}` }),
      [Symbol.dispose]() {
        this.client.destroy();
      },
    };
    await redis.client.connect();
    const store = (target: string, update: Buffer): Promise<string> =>
      redis.client
        .sendCommand<string>(["FCALL", "tidings_publish", "1", `tidings:{${target}}:log`, update])
        .catch((error: unknown) => (error instanceof Error ? error.message : ""));
    for (const one of updates.malformed.filter(({ fault }) => fault !== "too_large")) {
      expect([one.name, await store("a", bytesOf(one))]).toEqual([
        one.name,
        expect.stringMatching(new RegExp(`^ERR tidings: ${one.fault}: `)),
      ]);
    }
    for (const one of updates.valid) {
      // The query of a test's client takes any id but the one that means everybody.
      const user = one.target === "*" ? "anybody" : one.target;
      const client = await relay.connect(user);
      const position = await store(one.target, bytesOf(one));
      const [epoch = "", n] = position.split(".");
      const offset = formatOffset(one.target, epoch, Number(n));
      await client.received(1);
      expect(client.texts).toEqual([one.frame_at_offset.replace(`"${one.offset}"}`, `"${offset}"}`)]);
      client.close();
      await eventually("the client is gone", () => relay.relay.hub.clientsOf(user).length === 0);
    }
  });
}
