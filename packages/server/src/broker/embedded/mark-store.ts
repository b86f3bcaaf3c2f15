import type { Marks, MarkWrite } from "../broker.ts";

/** Marks of every key, as long as the process lives. */
export class MarkStore {
  readonly #keys = new Map<string, Map<string, number>>();

  set({ key, marks, onlyMissing = false, now, rememberMs, most }: MarkWrite): void {
    const held = this.#keys.get(key) ?? new Map<string, number>();
    this.#keys.set(key, held);
    for (const [text, endsAt] of marks) if (!onlyMissing || !held.has(text)) held.set(text, endsAt);
    for (const [text, endsAt] of held) if (endsAt <= now - rememberMs) held.delete(text);
    const tooMany = held.size - most;
    if (tooMany <= 0) return;
    const firstEnding = [...held].toSorted(([, a], [, b]) => a - b).slice(0, tooMany);
    for (const [text] of firstEnding) held.delete(text);
  }

  read(key: string): Marks {
    return new Map(this.#keys.get(key));
  }
}
