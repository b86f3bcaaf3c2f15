import { asciiBytes, type DecodeText, decodeJsonString, decodeText, jsonStringIs } from "./bytes.ts";
import { JsonScanner } from "./json-scanner.ts";
import { MAX_REQUEST_ID_BYTES, MAX_TYPE_BYTES, nameFault } from "./limits.ts";

/** What a client sent: `{"type": …, "payload"?: …, "id"?: …}`. */
export interface ClientMessage {
  readonly type: string;
  /** The payload as the client wrote it, character for character; `null` where it wrote none. */
  readonly payload: string;
  /** Asks for an answer that carries the same id. */
  readonly id: string | undefined;
}

/** A message that is not what the protocol allows, and why: one sentence for the client's developer. */
export interface BadMessage {
  readonly fault: string;
}

const TYPE_KEY = asciiBytes("type");
const PAYLOAD_KEY = asciiBytes("payload");
const ID_KEY = asciiBytes("id");
const QUOTE = 0x22;

/** Reads what clients send. One reader is reused for all messages. Fields it does not know are passed over. */
export class ClientMessageReader {
  readonly #scanner = new JsonScanner();
  readonly #decode: DecodeText;

  constructor(decode: DecodeText = decodeText) {
    this.#decode = decode;
  }

  /** Reads one message from its bytes. */
  read(bytes: Uint8Array): ClientMessage | BadMessage {
    const scanner = this.#scanner;
    if (!scanner.scan(bytes)) return { fault: "the message is not JSON" };
    if (scanner.kind !== "object") return { fault: "the message is not a JSON object" };
    let type = -1;
    let payload = -1;
    let id = -1;
    for (let index = 0; index < scanner.count; index += 1) {
      const start = scanner.keyStart(index);
      const end = scanner.keyEnd(index);
      if (jsonStringIs(bytes, start, end, TYPE_KEY)) {
        if (type !== -1) return { fault: '"type" stands more than once' };
        type = index;
      } else if (jsonStringIs(bytes, start, end, PAYLOAD_KEY)) {
        if (payload !== -1) return { fault: '"payload" stands more than once' };
        payload = index;
      } else if (jsonStringIs(bytes, start, end, ID_KEY)) {
        if (id !== -1) return { fault: '"id" stands more than once' };
        id = index;
      }
    }
    if (type === -1) return { fault: 'the field "type" is missing' };
    const typeText = this.#name(bytes, type, MAX_TYPE_BYTES);
    if (typeText === null) return { fault: `"type" must be a string of 1 to ${MAX_TYPE_BYTES} bytes` };
    const idText = id === -1 ? undefined : this.#name(bytes, id, MAX_REQUEST_ID_BYTES);
    if (idText === null) return { fault: `"id" must be a string of 1 to ${MAX_REQUEST_ID_BYTES} bytes` };
    const payloadText =
      payload === -1 ? "null" : this.#decode(bytes, scanner.valueStart(payload), scanner.valueEnd(payload));
    return { type: typeText, payload: payloadText, id: idText };
  }

  #name(bytes: Uint8Array, index: number, maxBytes: number): string | null {
    const start = this.#scanner.valueStart(index);
    if (bytes[start] !== QUOTE) return null;
    const text = decodeJsonString(bytes, start, this.#scanner.valueEnd(index), this.#decode);
    return nameFault(text, maxBytes) === null ? text : null;
  }
}
