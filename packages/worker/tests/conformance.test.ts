import { expect, test } from "bun:test";
import { join } from "node:path";
import { closeCodes, formatOffset, parseSince, UpdateReader } from "@tidings/protocol";
import { fullJitter } from "../src/backoff.ts";
import { parseMessage } from "../src/inbound.ts";

async function vectors<T>(name: string): Promise<T> {
  return (await Bun.file(join(import.meta.dirname, `../../../conformance/${name}.json`)).json()) as T;
}

interface UpdateVector {
  readonly name: string;
  readonly update?: string;
  readonly update_base64?: string;
  readonly max_update_bytes?: number;
}

interface Updates {
  readonly valid: readonly (UpdateVector &
    Readonly<Record<"target" | "frame" | "offset" | "frame_at_offset", string>>)[];
  readonly malformed: readonly (UpdateVector & { readonly fault: string })[];
}

function read({ update, update_base64: base64, max_update_bytes: maxBytes = 1_048_576 }: UpdateVector): {
  readonly reader: UpdateReader;
  readonly fault: string | null;
} {
  const reader = new UpdateReader({ maxBytes });
  const bytes = base64 === undefined ? Buffer.from(update ?? "") : Buffer.from(base64, "base64");
  return { reader, fault: reader.read(bytes) };
}

test("updates have the verdicts, targets and frames of the vectors", async () => {
  const { valid, malformed } = await vectors<Updates>("updates");
  for (const one of valid) {
    const { reader, fault } = read(one);
    expect([one.name, fault]).toEqual([one.name, null]);
    expect([reader.target, reader.frame()]).toEqual([one.target, one.frame]);
    expect(reader.frameAt(one.offset)).toBe(one.frame_at_offset);
  }
  for (const one of malformed) expect([one.name, read(one).fault]).toEqual([one.name, one.fault]);
});

test("offsets are read and written as in the vectors", async () => {
  const { valid, malformed, format } = await vectors<{
    valid: (NonNullable<ReturnType<typeof parseSince>> & { since: string })[];
    malformed: string[];
    format: { target: string; epoch: string; n: number; offset: string }[];
  }>("offsets");
  for (const { since, ...places } of valid) expect(parseSince(since)).toEqual(places);
  for (const since of malformed) expect([since, parseSince(since)]).toEqual([since, null]);
  for (const { target, epoch, n, offset } of format) expect(formatOffset(target, epoch, n)).toBe(offset);
});

test("close codes are those of the vectors", async () => {
  const { codes } = await vectors<{ codes: unknown[] }>("close-codes");
  const ours = Object.values(closeCodes).map(({ code, name, comeBack }) => ({
    code,
    name,
    come_back: comeBack,
  }));
  expect(codes).toEqual(ours);
});

test("waiting times keep the bounds of the vectors", async () => {
  interface Vector {
    readonly first_ms: number;
    readonly longest_ms: number;
    readonly failures: number;
    readonly max_ms: number;
  }
  const { bounds, waits } = await vectors<{
    bounds: Vector[];
    waits: (Vector & { chance: number; wait_ms: number })[];
  }>("backoff");
  const wait = (one: Vector, chance: number): number =>
    fullJitter(one.failures, { first: one.first_ms, longest: one.longest_ms }, chance);
  for (const one of bounds) {
    expect(wait(one, 0)).toBe(0);
    const longest = wait(one, 1 - Number.EPSILON / 2);
    expect(longest).toBeLessThan(one.max_ms);
    expect(longest).toBeGreaterThan(one.max_ms * 0.999);
  }
  for (const one of waits) expect(wait(one, one.chance)).toBe(one.wait_ms);
});

test("messages of browsers are read as in the vectors", async () => {
  interface Vector {
    readonly message: string;
    readonly user_id: string;
    readonly connection_id: string;
    readonly type: string;
    readonly payload: unknown;
    readonly received_at_ms: number;
  }
  const { valid, malformed } = await vectors<{ valid: Vector[]; malformed: string[] }>("inbound");
  for (const one of valid) {
    expect(parseMessage(one.message)).toEqual({
      user: one.user_id,
      connectionId: one.connection_id,
      type: one.type,
      payload: one.payload,
      receivedAt: new Date(one.received_at_ms),
    });
  }
  for (const text of malformed) expect([text, parseMessage(text)]).toEqual([text, null]);
});
