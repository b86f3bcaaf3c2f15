import { userIdFault } from "../../packages/protocol/src/limits.ts";
import { UpdateReader } from "../../packages/protocol/src/update.ts";
import { eventually } from "../../tests/support/eventually.ts";
import type { Dice } from "../dice.ts";
import type { FuzzTarget } from "../target.ts";
import { type Figures, type Victim } from "../victim.ts";

/** What the victim takes. */
const MAX_BYTES = 65_536;

const reader = new UpdateReader({ maxBytes: MAX_BYTES });
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** How many of each fault were published, and what the relay had counted before. */
const malformed = new Map<string, number>();
let isFirst = true;
let before: Figures = new Map();

/** Updates: read as `JSON.parse` reads them, never a broadcast by mistake, and each malformed one counted once. */
export const updatesTarget: FuzzTarget = {
  name: "updates",
  invent: (dice) => {
    const members = dice.some(6, () => `${key(dice)}:${value(dice, 3)}`);
    const space = dice.pick(["", " ", "\n", "\t\r"]);
    return Buffer.from(`${space}{${members.join(`,${space}`)}${space}}${dice.oneIn(12) ? "}" : ""}`);
  },
  feed: async (input, victim) => {
    if (isFirst) before = await victim.figures();
    isFirst = false;
    const fault = reader.read(input);
    compareWithModel(input, fault);
    if (fault !== null) malformed.set(fault, (malformed.get(fault) ?? 0) + 1);
    // The honest client and everyone else are not to be told by a fuzzer.
    if (fault === null && (reader.target === "*" || reader.target === "honest")) return;
    await victim.publish(input);
  },
  settle: (victim) => countsFit(victim),
};

async function countsFit(victim: Victim): Promise<void> {
  const name = (fault: string): string => `tidings_updates_total{result="malformed_${fault}"}`;
  for (const [fault, count] of malformed) {
    await eventually(`${count} updates are counted as ${fault}`, async () => {
      const figures = await victim.figures();
      return (figures.get(name(fault)) ?? 0) - (before.get(name(fault)) ?? 0) === count;
    });
  }
}

/** Rejects what the reader says where `JSON.parse` says otherwise. */
function compareWithModel(input: Uint8Array, fault: string | null): void {
  if (input.length > MAX_BYTES) return expectThat(fault === "too_large", "a large update is too large");
  const parsed = parse(input);
  expectThat(
    (fault === "not_json") === (parsed === null),
    `not_json exactly where JSON.parse says so: ${fault}`,
  );
  if (parsed === null) return undefined;
  const { value } = parsed;
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  expectThat((fault === "not_object") === !isObject, `not_object exactly where it is none: ${fault}`);
  if (!isObject) return undefined;
  const { target_user_id: target, type, payload, ...others } = value as Record<string, unknown>;
  const isTarget = typeof target === "string" && (target === "*" || userIdFault(target) === null);
  const isType = typeof type === "string" && type !== "" && !type.startsWith("tidings.");
  if (fault !== null) {
    const isGood = isTarget && isType && Buffer.byteLength(type) <= 128 && payload !== undefined;
    const isTwice = fault.endsWith("_duplicate");
    return expectThat(
      !isGood || isTwice || !isType || !type.isWellFormed(),
      `refused without a fault: ${fault}`,
    );
  }
  expectThat(isTarget && isType && payload !== undefined, "let through with a fault");
  expectThat(reader.target === target, "for somebody else than it says");
  const frame: unknown = JSON.parse(reader.frame());
  expectThat(Bun.deepEquals(frame, { ...others, type, payload }), "changed on the way");
  return undefined;
}

function parse(input: Uint8Array): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(strict.decode(input)) };
  } catch {
    return null;
  }
}

function expectThat(holds: boolean, promise: string): void {
  if (!holds) throw new Error(`an update is ${promise}`);
}

function key(dice: Dice): string {
  const known = dice.pick(["target_user_id", "type", "payload", "id", "seq", "producer"]);
  if (dice.oneIn(5))
    return JSON.stringify(dice.pick(["__proto__", "constructor", "", "Type", "offset", "é"]));
  const escaped = Array.from(known, (letter) =>
    dice.oneIn(15) ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : letter,
  );
  return `"${escaped.join("")}"`;
}

function value(dice: Dice, depth: number): string {
  const scalar = dice.pick([
    '"alice"',
    '"t"',
    '"*"',
    '"tidings.x"',
    '""',
    "null",
    "1",
    "-0",
    "1e400",
    "12345678901234567890",
    "01",
    "tru",
    '"\\ud800"',
    '"\\u0000"',
    '"𝄞é"',
    `"${"x".repeat(dice.below(300))}"`,
  ]);
  if (depth === 0 || !dice.oneIn(3)) return scalar;
  const inner = dice.some(3, () => value(dice, depth - 1));
  if (dice.oneIn(2)) return `[${inner.join(",")}]`;
  return `{${inner.map((one) => `${key(dice)}:${one}`).join(",")}}`;
}
