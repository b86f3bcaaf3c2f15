import type { Dice } from "./dice.ts";

/** Bytes at which parsers turn. */
const interesting: readonly [number, ...(readonly number[])] = [
  0, 1, 9, 10, 13, 32, 34, 36, 37, 42, 44, 45, 46, 47, 48, 58, 63, 91, 92, 93, 123, 125, 126, 127, 128, 129,
  130, 136, 137, 138, 192, 224, 237, 239, 240, 254, 255,
];

/** A few small changes to bytes: what a byte-level fuzzer does. */
export function mutated(bytes: Uint8Array, dice: Dice): Uint8Array {
  let result = Uint8Array.from(bytes);
  const changes = 1 + dice.below(4);
  for (let change = 0; change < changes; change += 1) result = changed(result, dice);
  return result;
}

function changed(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = dice.below(bytes.length + 1);
  const end = at + dice.below(Math.min(32, bytes.length - at) + 1);
  const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
  const joined = (...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(Buffer.concat(parts));
  switch (dice.below(7)) {
    case 0:
      return joined(before, after);
    case 1:
      return joined(before, part, part, after);
    case 2:
      return joined(before, Uint8Array.of(dice.pick(interesting)), after);
    case 3:
      return joined(before, dice.bytes(1 + dice.below(8)), bytes.subarray(at));
    case 4:
      return joined(before, Buffer.alloc(1 + dice.below(200), dice.pick(interesting)), bytes.subarray(at));
    case 5:
      return joined(before);
    default: {
      const copy = Uint8Array.from(bytes);
      if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
      return copy;
    }
  }
}

/** The same bytes in pieces, as a network may cut them. */
export function inPieces(bytes: Uint8Array, dice: Dice): readonly Uint8Array[] {
  if (bytes.length < 2 || dice.oneIn(2)) return [bytes];
  const cuts = dice.some(4, () => dice.below(bytes.length)).toSorted((a, b) => a - b);
  return [0, ...cuts].map((from, index) => bytes.subarray(from, cuts[index] ?? bytes.length));
}
