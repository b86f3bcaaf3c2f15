import type { z } from "zod";
import { Refused, shown, unit } from "./units.ts";

/** The bounds of a quantity, written as its users write it. */
export interface Bounds {
  readonly min: string;
  readonly max: string;
}

const sizes: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["KB", 1_000],
  ["KIB", 1_024],
  ["MB", 1_000_000],
  ["MIB", 1_024 ** 2],
  ["GB", 1_000_000_000],
  ["GIB", 1_024 ** 3],
]);

const times: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

/** A size such as `64KiB` in bytes, or null where it is not a whole number of bytes in a known unit. */
export function parseBytes(value: unknown): number | null {
  const [, digits, name = ""] = /^(\d{1,15}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(String(value).trim()) ?? [];
  const factor = sizes.get(name === "" ? "B" : name.toUpperCase());
  if (digits === undefined || factor === undefined) return null;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/**
 * A duration such as `25s` in milliseconds, or null where it is not a whole number of them in a known unit.
 */
export function parseDuration(value: unknown): number | null {
  const [, digits, name = ""] = /^(\d{1,15}(?:\.\d{1,6})?) ?(ms|s|m|h|d)$/.exec(String(value).trim()) ?? [];
  const factor = times.get(name);
  if (digits === undefined || factor === undefined) return null;
  // Rounded first: 1.1 * 1000 is 1100.0000000000002 in floating point.
  const milliseconds = Math.round(Number(digits) * factor * 1_000) / 1_000;
  return Number.isSafeInteger(milliseconds) ? milliseconds : null;
}

function written(amount: number, factors: readonly (readonly [string, number])[]): string {
  const largest = factors.findLast(([, factor]) => amount % factor === 0 && amount >= factor);
  return largest === undefined ? `${amount}${factors[0]?.[0] ?? ""}` : `${amount / largest[1]}${largest[0]}`;
}

/** Bytes in the largest binary unit that holds them exactly: `1MiB`, `1500B`. */
export function formatBytes(bytes: number): string {
  return written(bytes, [
    ["B", 1],
    ["KiB", 1_024],
    ["MiB", 1_024 ** 2],
    ["GiB", 1_024 ** 3],
  ]);
}

/** Milliseconds in the largest unit that holds them exactly: `25s`, `1500ms`; none is `0s`. */
export function formatDuration(milliseconds: number): string {
  return milliseconds === 0 ? "0s" : written(milliseconds, [...times].slice(0, 4));
}

/** A number of bytes between the bounds. */
export function bytes(bounds: Bounds): z.ZodType<number> {
  const rule = `a size from ${bounds.min} to ${bounds.max}, such as \`65536\`, \`64KiB\` or \`1MiB\``;
  return quantity({ rule, kind: "bytes" }, "a size", bounds, parseBytes);
}

/**
 * A duration between the bounds, in milliseconds. A number without a unit is refused, since nobody agrees on
 * it.
 */
export function duration(bounds: Bounds): z.ZodType<number> {
  const rule = `a duration from ${bounds.min} to ${bounds.max}, such as \`500ms\`, \`25s\` or \`1h\``;
  return quantity({ rule, kind: "duration" }, "a duration", bounds, (value) => {
    const bare = String(value).trim();
    if (!/^\d+(\.\d+)?$/.test(bare)) return parseDuration(value);
    const meant = bare === "0" ? "`0s`" : `\`${bare}ms\` or \`${bare}s\``;
    return new Refused(`${shown(value)} has no unit; write ${meant}`);
  });
}

function quantity(
  about: { readonly rule: string; readonly kind: "bytes" | "duration" },
  what: string,
  bounds: Bounds,
  parse: (value: unknown) => number | null | Refused,
): z.ZodType<number> {
  const bound = (limit: string): number => {
    const amount = parse(limit);
    if (typeof amount === "number") return amount;
    throw new TypeError(`${limit} is not ${what}`);
  };
  const [least, most] = [bound(bounds.min), bound(bounds.max)];
  return unit(about, (value) => {
    const amount = typeof value === "string" || typeof value === "number" ? parse(value) : null;
    if (amount instanceof Refused) return amount;
    if (amount === null) return new Refused(`${shown(value)} is not ${what}; write ${about.rule}`);
    if (amount >= least && amount <= most) return amount;
    return new Refused(`${shown(value)} is out of range; write ${about.rule}`);
  });
}
