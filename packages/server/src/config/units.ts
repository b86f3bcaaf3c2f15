import { z } from "zod";

/** What a unit tells about itself, for messages, help and `docs/configuration.md`. */
export interface Unit {
  /** How a value is written, as a phrase that follows "write". */
  readonly rule: string;
  /** How an effective value is written back; values are written as they are unless this is set. */
  readonly kind: "plain" | "bytes" | "duration" | "flag" | "list" | "url" | "urls" | "secret";
}

/** A value that cannot be taken; the message says what is wrong with it and what to write. */
export class Refused {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

const units: z.core.$ZodRegistry<Unit> = z.registry<Unit>();

/**
 * Makes a zod type of a reader of raw values: text from flag or environment, any JSON value from the file.
 */
export function unit<T>(about: Unit, read: (value: unknown) => T | Refused): z.ZodType<T> {
  const type = z.unknown().transform((value, context): T => {
    const result = read(value);
    if (!(result instanceof Refused)) return result;
    context.issues.push({ code: "custom", message: result.message, input: undefined });
    return z.NEVER;
  });
  return type.register(units, about);
}

/** What the unit at the core of a setting's type tells about itself. */
export function unitOf(type: z.ZodType): Unit {
  if (type instanceof z.ZodDefault || type instanceof z.ZodOptional)
    return unitOf(type.unwrap() as z.ZodType);
  return units.get(type) ?? { rule: "a value", kind: "plain" };
}

/** A value from outside as it may stand in a message: quoted and short. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function refusal(value: unknown, what: string, rule: string): Refused {
  return new Refused(`${shown(value)} is not ${what}; write ${rule}`);
}

/** An integer without sign, as a number or as its decimal digits; null for anything else. */
function wholeNumber(value: unknown): number | null {
  const number = typeof value === "string" && /^\s*\d{1,15}\s*$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** A whole number between `min` and `max`. */
export function count({ min, max }: { min: number; max: number }): z.ZodType<number> {
  const rule = `a whole number from ${min} to ${max}`;
  return unit({ rule, kind: "plain" }, (value) => {
    const number = wholeNumber(value);
    if (number === null) return refusal(value, "a whole number", rule);
    return number >= min && number <= max ? number : refusal(value, "in the range", rule);
  });
}

/** A whole number between `min` and `max`, or the word `auto` for what fits the machine. */
export function countOrAuto({ min, max }: { min: number; max: number }): z.ZodType<number | "auto"> {
  const rule = `a whole number from ${min} to ${max}, or \`auto\``;
  return unit({ rule, kind: "plain" }, (value) => {
    if (typeof value === "string" && value.trim().toLowerCase() === "auto") return "auto";
    const number = wholeNumber(value);
    if (number === null) return refusal(value, "a whole number", rule);
    return number >= min && number <= max ? number : refusal(value, "in the range", rule);
  });
}

/** A TCP port; 0 takes a free one. */
export function port(): z.ZodType<number> {
  const rule = "a number from 0 to 65535";
  return unit({ rule, kind: "plain" }, (value) => {
    const number = wholeNumber(value);
    return number !== null && number <= 65_535 ? number : refusal(value, "a port", rule);
  });
}

const flagWords: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...[true, 1, "true", "on", "1", "yes"].map((word) => [word, true] as const),
  ...[false, 0, "false", "off", "0", "no"].map((word) => [word, false] as const),
]);

/** Yes or no. */
export function flag(): z.ZodType<boolean> {
  const rule = "`true` or `false` (also on/off, yes/no, 1/0)";
  return unit({ rule, kind: "flag" }, (value) => {
    const word = typeof value === "string" ? value.trim().toLowerCase() : value;
    return flagWords.get(word) ?? refusal(value, "a yes or a no", rule);
  });
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[]): z.ZodType<Word> {
  const rule = `one of ${words.map((word) => `\`${word}\``).join(", ")}`;
  return unit({ rule, kind: "plain" }, (value) => {
    const found = words.find(
      (word) => word === (typeof value === "string" ? value.trim().toLowerCase() : value),
    );
    return found ?? refusal(value, "one of the words", rule);
  });
}

/**
 * The first fault of a text: its type, emptiness, length in bytes or control characters. Never repeats the
 * text.
 */
function textFault(value: unknown, maxBytes: number): string | null {
  if (typeof value !== "string") return "this is not text; put the value in quotes";
  if (value.trim() === "") return "this is empty; write the value or leave the setting out";
  if (Buffer.byteLength(value) > maxBytes)
    return `this is longer than ${maxBytes} bytes; write a shorter one`;
  return null;
}

/** A text of 1 to `maxBytes` bytes without control characters. */
export function text(maxBytes: number): z.ZodType<string> {
  return unit({ rule: `text of 1 to ${maxBytes} bytes`, kind: "plain" }, (value) => {
    const fault = textFault(value, maxBytes);
    if (fault !== null || typeof value !== "string") return new Refused(fault ?? "this is not text");
    // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      return new Refused(`${shown(value)} contains control characters; write it without them`);
    }
    return value;
  });
}

/** A text that is never shown: not in a message, not in `tidings config`. */
export function secret(): z.ZodType<string> {
  return unit({ rule: "text, kept secret", kind: "secret" }, (value) => {
    const fault = textFault(value, 65_536);
    return fault !== null || typeof value !== "string" ? new Refused(fault ?? "this is not text") : value;
  });
}
