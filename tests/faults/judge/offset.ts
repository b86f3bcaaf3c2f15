/** An offset taken apart by the rule of `docs/protocol.md`. */
export interface Offset {
  readonly isBroadcast: boolean;
  readonly epoch: string;
  readonly n: number;
}

const FORM = /^(\*?)([A-Za-z0-9_-]{1,32})\.(\d{1,16})$/;

/** Reads one offset; null where the text is none. */
export function parseOffset(text: string): Offset | null {
  const [, star, epoch, n] = FORM.exec(text) ?? [];
  return epoch === undefined ? null : { isBroadcast: star === "*", epoch, n: Number(n) };
}

/** Reads a position: the offset of the user's log, of the broadcasts, or both. */
export function parsePosition(text: string | null): {
  readonly user: Offset | null;
  readonly broadcast: Offset | null;
} {
  const offsets = (text ?? "").split(",").map(parseOffset);
  return {
    user: offsets.find((offset) => offset?.isBroadcast === false) ?? null,
    broadcast: offsets.find((offset) => offset?.isBroadcast === true) ?? null,
  };
}
