import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dir, "corpus");

/** The inputs that are kept for a target, by the name of their file: seeds to change, and everything that once failed. */
export function corpusOf(target: string): readonly (readonly [string, Uint8Array])[] {
  const place = join(folder, target);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .toSorted()
    .map((name) => [name, readFileSync(join(place, name))] as const);
}

/** Keeps an input that failed, so that every later run begins with it. Returns where. */
export function keep(target: string, input: Uint8Array): string {
  const place = join(folder, target);
  mkdirSync(place, { recursive: true });
  const path = join(place, `failed-${Bun.hash(input).toString(16)}`);
  writeFileSync(path, input);
  return path;
}
