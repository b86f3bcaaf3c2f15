import type { DecodeText } from "@tidings/protocol";

/** Decodes UTF-8 with Bun's native slice, several times as fast as a `TextDecoder` on short texts. */
export const sliceText: DecodeText = (bytes, start, end) => asBuffer(bytes).toString("utf8", start, end);

/** The same bytes as a `Buffer`, without a copy. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
