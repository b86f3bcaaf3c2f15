/**
 * A channel's or pattern's bytes as a string of one character per byte, so that any bytes can be a `Map` key.
 */
export type NameKey = string;

const encoder = new TextEncoder();

/** The key of a name. Two names have the same key exactly when their bytes are the same. */
export function nameKey(name: Uint8Array): NameKey {
  return asBuffer(name).toString("latin1");
}

/** The bytes that a key stands for. */
export function nameBytes(key: NameKey): Uint8Array {
  return new Uint8Array(Buffer.from(key, "latin1"));
}

/** UTF-8 of a text, or a copy of bytes: a value that the caller can no longer change. */
export function ownBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? encoder.encode(value) : new Uint8Array(value);
}

/** Bytes as text for command names, options and messages; bytes that are not UTF-8 become U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return asBuffer(bytes).toString("utf8");
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
