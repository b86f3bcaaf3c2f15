import { asciiBytes, type DecodeText, decodeJsonString, decodeText, startsWith } from "./bytes.ts";
import { idHashOfBytes } from "./id-hash.ts";
import { JsonScanner } from "./json-scanner.ts";
import {
  BROADCAST_TARGET,
  MAX_TYPE_BYTES,
  MAX_USER_ID_BYTES,
  nameFault,
  RESERVED_TYPE_PREFIX,
  userIdFault,
} from "./limits.ts";
import { updateKeyAt } from "./update-key.ts";

/** Why an update was refused, as counted in metrics and named to publishers. */
export type UpdateFault =
  | "too_large"
  | "not_json"
  | "not_object"
  | "target_missing"
  | "target_invalid"
  | "target_duplicate"
  | "type_missing"
  | "type_invalid"
  | "type_reserved"
  | "type_duplicate"
  | "payload_missing";

/** One sentence for the publisher for each fault. */
export const updateFaults: Readonly<Record<UpdateFault, string>> = {
  too_large: "the update is larger than max_update_bytes",
  not_json: "the update is not JSON in UTF-8",
  not_object: "the update is not a JSON object",
  target_missing: 'the field "target_user_id" is missing; "*" means every user',
  target_invalid: '"target_user_id" must be a string of 1 to 256 bytes without control characters',
  target_duplicate: '"target_user_id" stands more than once',
  type_missing: 'the field "type" is missing',
  type_invalid: '"type" must be a string of 1 to 128 bytes',
  type_reserved: 'types that begin with "tidings." belong to the relay',
  type_duplicate: '"type" stands more than once',
  payload_missing: 'the field "payload" is missing; it may be any JSON value, null too',
};

/** One valid update on its way to its users. It holds only until the handler it was given to returns. */
export interface Update {
  /** The id of the user it is for, or `"*"` for every connected user. */
  readonly target: string;
  /** What `idHash` says of the target, known without its text; -1 where only the text tells. */
  readonly targetHash: number;
  /**
   * What clients receive: the published text without its `target_user_id`, everything else byte for byte. An update from
   * a log has its offset as its last member.
   */
  frame(): string;
  /** How many bytes of UTF-8 that is. */
  readonly frameBytes: number;
}

/** What the log wants to know of an update; each is null where the update does not say it in the form that counts. */
export interface LogFields {
  /** The JSON text of `id`, a string or a number of at most {@link MAX_LOG_FIELD_BYTES} bytes. */
  readonly idText: string | null;
  /** `seq`, a whole number from 0 on written in plain digits. */
  readonly seq: number | null;
  /** The JSON text of `producer`, a string of at most {@link MAX_LOG_FIELD_BYTES} bytes. */
  readonly producerText: string | null;
}

/** The limits an {@link UpdateReader} enforces. */
export interface UpdateReaderOptions {
  readonly maxBytes: number;
  /** Whether an update without the field `target_user_id` is for everyone instead of malformed. */
  readonly implicitBroadcast?: boolean;
  readonly decode?: DecodeText;
}

const RESERVED_PREFIX = asciiBytes(RESERVED_TYPE_PREFIX);
const QUOTE = 0x22;
const MINUS = 0x2d;
const NINE = 0x39;
const CLOSE_BRACE = 0x7d;

/** What the member `,"offset":""` adds beside the offset itself. */
const OFFSET_MEMBER_BYTES = 12;

/** Longest `id` or `producer` that counts, in bytes of JSON text. */
export const MAX_LOG_FIELD_BYTES = 256;

/**
 * Reads updates as workers publish them: checks every rule of the contract on the bytes, finds whom an update is for,
 * and cuts that field out without rebuilding the rest. One reader is reused for all updates, and makes text only of what
 * is asked for, so that an update for a user who is elsewhere costs a scan.
 */
export class UpdateReader implements Update, LogFields {
  targetHash = -1;
  readonly #scanner = new JsonScanner();
  readonly #maxBytes: number;
  readonly #implicitBroadcast: boolean;
  readonly #decode: DecodeText;
  #bytes: Uint8Array = new Uint8Array();
  /** Null until it is asked for, or had to be looked at. */
  #target: string | null = "";
  #targetIndex = -1;
  #cutStart = 0;
  #cutEnd = 0;
  #id = -1;
  #seq = -1;
  #producer = -1;

  constructor(options: UpdateReaderOptions) {
    this.#maxBytes = options.maxBytes;
    this.#implicitBroadcast = options.implicitBroadcast ?? false;
    this.#decode = options.decode ?? decodeText;
  }

  /** Reads one update. Null where it is valid: `target` and `frame()` then speak of it until the next read. */
  read(bytes: Uint8Array): UpdateFault | null {
    if (bytes.length > this.#maxBytes) return "too_large";
    const scanner = this.#scanner;
    if (!scanner.scan(bytes)) return "not_json";
    if (scanner.kind !== "object") return "not_object";
    this.#bytes = bytes;
    let target = -1;
    let type = -1;
    let hasPayload = false;
    this.#id = -1;
    this.#seq = -1;
    this.#producer = -1;
    for (let index = 0; index < scanner.count; index += 1) {
      switch (updateKeyAt(bytes, scanner.keyStart(index), scanner.keyEnd(index))) {
        case "target_user_id":
          if (target !== -1) return "target_duplicate";
          target = index;
          break;
        case "type":
          if (type !== -1) return "type_duplicate";
          type = index;
          break;
        case "payload":
          hasPayload = true;
          break;
        case "id":
          this.#id = index;
          break;
        case "seq":
          this.#seq = index;
          break;
        case "producer":
          this.#producer = index;
          break;
        case null:
          break;
      }
    }
    return this.#readTarget(target) ?? this.#readType(type) ?? (hasPayload ? null : "payload_missing");
  }

  get target(): string {
    this.#target ??= this.#text(this.#targetIndex) ?? "";
    return this.#target;
  }

  get frameBytes(): number {
    return this.#bytes.length - (this.#cutEnd - this.#cutStart);
  }

  frame(): string {
    const bytes = this.#bytes;
    if (this.#cutStart === this.#cutEnd) return this.#decode(bytes, 0, bytes.length);
    return this.#decode(bytes, 0, this.#cutStart) + this.#decode(bytes, this.#cutEnd, bytes.length);
  }

  /** {@link frame} with the offset as its last member, which is how an update from a log is sent. */
  frameAt(offset: string): string {
    const frame = this.frame();
    // The text is valid and an object, so its last brace closes it.
    const end = frame.lastIndexOf("}");
    return `${frame.slice(0, end)},"offset":"${offset}"}`;
  }

  /** How many bytes of UTF-8 {@link frameAt} has. */
  frameBytesAt(offset: string): number {
    const bytes = this.#bytes;
    let end = bytes.length;
    while (bytes[end - 1] !== CLOSE_BRACE) end -= 1;
    return this.frameBytes - (bytes.length - end) + offset.length + OFFSET_MEMBER_BYTES;
  }

  get idText(): string | null {
    const first = this.#firstByte(this.#id);
    const isNumber = first === MINUS || (first > MINUS && first <= NINE);
    return first === QUOTE || isNumber ? this.#shortText(this.#id) : null;
  }

  get seq(): number | null {
    const text = this.#seq === -1 ? null : this.#shortText(this.#seq);
    if (text === null || !/^\d+$/.test(text)) return null;
    const seq = Number(text);
    return Number.isSafeInteger(seq) ? seq : null;
  }

  get producerText(): string | null {
    return this.#firstByte(this.#producer) === QUOTE ? this.#shortText(this.#producer) : null;
  }

  #readTarget(index: number): UpdateFault | null {
    this.#targetIndex = index;
    if (index === -1) {
      if (!this.#implicitBroadcast) return "target_missing";
      this.#target = BROADCAST_TARGET;
      this.targetHash = -1;
      this.#cutStart = 0;
      this.#cutEnd = 0;
      return null;
    }
    const start = this.#scanner.valueStart(index) + 1;
    const end = this.#scanner.valueEnd(index) - 1;
    const isShort = end > start && end - start <= MAX_USER_ID_BYTES && this.#bytes[start - 1] === QUOTE;
    this.targetHash = isShort ? idHashOfBytes(this.#bytes, start, end) : -1;
    this.#target = null;
    if (this.targetHash === -1) {
      const target = this.#text(index);
      if (target === null) return "target_invalid";
      if (target !== BROADCAST_TARGET && userIdFault(target) !== null) return "target_invalid";
      this.#target = target;
    }
    this.#cut(index);
    return null;
  }

  /** Notes the member and one of the commas beside it as what `frame` leaves out. */
  #cut(index: number): void {
    const scanner = this.#scanner;
    if (index > 0) {
      this.#cutStart = scanner.valueEnd(index - 1);
      this.#cutEnd = scanner.valueEnd(index);
    } else {
      this.#cutStart = scanner.keyStart(index);
      this.#cutEnd = scanner.count > 1 ? scanner.keyStart(index + 1) : scanner.valueEnd(index);
    }
  }

  #readType(index: number): UpdateFault | null {
    if (index === -1) return "type_missing";
    const start = this.#scanner.valueStart(index) + 1;
    const end = this.#scanner.valueEnd(index) - 1;
    const bytes = this.#bytes;
    const isShort = end > start && end - start <= MAX_TYPE_BYTES && bytes[start - 1] === QUOTE;
    if (isShort && idHashOfBytes(bytes, start, end) !== -1) {
      return startsWith(bytes, start, RESERVED_PREFIX) ? "type_reserved" : null;
    }
    const type = this.#text(index);
    if (type === null || nameFault(type, MAX_TYPE_BYTES) !== null) return "type_invalid";
    return type.startsWith(RESERVED_TYPE_PREFIX) ? "type_reserved" : null;
  }

  #firstByte(index: number): number {
    return index === -1 ? 0 : (this.#bytes[this.#scanner.valueStart(index)] ?? 0);
  }

  #shortText(index: number): string | null {
    const start = this.#scanner.valueStart(index);
    const end = this.#scanner.valueEnd(index);
    return end - start > MAX_LOG_FIELD_BYTES ? null : this.#decode(this.#bytes, start, end);
  }

  #text(index: number): string | null {
    const start = this.#scanner.valueStart(index);
    if (this.#bytes[start] !== QUOTE) return null;
    return decodeJsonString(this.#bytes, start, this.#scanner.valueEnd(index), this.#decode);
  }
}
