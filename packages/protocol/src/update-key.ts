import { asciiBytes, isEscaped, jsonStringIs, startsWith } from "./bytes.ts";

/** The members of an update that mean something to the relay or to the log. */
export type UpdateKey = "target_user_id" | "type" | "payload" | "id" | "seq" | "producer";

interface KnownKey {
  readonly name: UpdateKey;
  readonly bytes: Uint8Array;
}

const names: readonly UpdateKey[] = ["target_user_id", "type", "payload", "id", "seq", "producer"];
const keys: readonly KnownKey[] = names.map((name) => ({ name, bytes: asciiBytes(name) }));

/** No two of them are of one length, so the length of a key says which one it can be. */
const byLength: readonly (KnownKey | undefined)[] = Array.from({ length: 16 }, (_, length) =>
  keys.find(({ bytes }) => bytes.length === length),
);

/** Which key the JSON string between two offsets says, quotes included and however it is spelled; null where none. */
export function updateKeyAt(bytes: Uint8Array, start: number, end: number): UpdateKey | null {
  const key = byLength[end - start - 2];
  if (key !== undefined && startsWith(bytes, start + 1, key.bytes)) return key.name;
  if (!isEscaped(bytes, start, end)) return null;
  return keys.find((known) => jsonStringIs(bytes, start, end, known.bytes))?.name ?? null;
}
