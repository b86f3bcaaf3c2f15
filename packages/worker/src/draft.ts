import {
  BROADCAST_TARGET,
  formatOffset,
  MAX_LOG_FIELD_BYTES,
  UpdateReader,
  updateFaults,
} from "@tidings/protocol";
import { messageOf, TidingsError } from "./errors.ts";

/** What an update may say beside its payload. */
export interface PublishOptions {
  /**
   * Names the update: published again with the same id within ten minutes it is stored once. One is made for each call
   * unless given; give one where the whole task may run twice.
   */
  readonly id?: string | number;
  /** This producer's counter, by which clients learn of updates that never reached the log. */
  readonly seq?: number;
  /** Whose counter `seq` is. */
  readonly producer?: string;
  /** Other fields of the update, passed on to clients beside the payload. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** One update for `publishMany`. */
export interface OutgoingUpdate<Type extends string = string, Payload = unknown> extends PublishOptions {
  readonly user: string;
  readonly type: Type;
  readonly payload: Payload;
}

/** An update as it is sent. */
export interface Draft {
  readonly target: string;
  /** The key of the log it belongs in. */
  readonly key: string;
  /** The id under which a repeat is known. */
  readonly id: string | number;
  readonly text: string;
  readonly bytes: number;
}

const OWN_FIELDS = new Set(["target_user_id", "type", "payload", "id", "seq", "producer", "offset"]);
const encoder = new TextEncoder();

/** Builds updates and checks them by the relay's own rules before anything is sent. */
export class Drafter {
  readonly #reader: UpdateReader;

  constructor(maxUpdateBytes: number) {
    this.#reader = new UpdateReader({ maxBytes: maxUpdateBytes });
  }

  /**
   * Makes an update's text, with an id of its own where it has none. `"*"` is a target only of a broadcast, so that a stray
   * user id cannot show one user's data to all.
   * @throws {TidingsError} `malformed`.
   */
  draft(update: OutgoingUpdate, broadcast = false): Draft {
    const target = broadcast ? BROADCAST_TARGET : update.user;
    if (!broadcast && target === BROADCAST_TARGET) {
      throw malformed("target_invalid", '"*" means every user: call broadcast() for that');
    }
    const id = update.id ?? crypto.randomUUID();
    checkLogFields(update, id);
    const { type, payload, producer, seq, fields = {} } = update;
    const taken = Object.keys(fields).find((name) => OWN_FIELDS.has(name));
    if (taken !== undefined) {
      throw malformed("field_taken", `"${taken}" cannot be one of the other fields of an update`);
    }
    const text = toJson({ target_user_id: target, type, payload, ...fields, producer, seq, id });
    const bytes = encoder.encode(text);
    const fault = this.#reader.read(bytes);
    if (fault !== null) throw malformed(fault, updateFaults[fault]);
    return { target, key: `tidings:{${target}}:log`, id, text, bytes: bytes.length };
  }
}

/** The offset that clients see for a position `<epoch>.<n>` in the log of a draft. */
export function offsetOf(draft: Draft, position: string): string {
  const dot = position.lastIndexOf(".");
  return formatOffset(draft.target, position.slice(0, dot), Number(position.slice(dot + 1)));
}

/** The failure of an update that breaks a rule. */
export function malformed(fault: string, sentence: string, index?: number): TidingsError {
  const where = index === undefined ? "" : `update ${index}: `;
  const details = index === undefined ? { fault } : { fault, index };
  return new TidingsError("malformed", `${where}${sentence} (${fault})`, details);
}

function checkLogFields({ seq, producer }: OutgoingUpdate, id: unknown): void {
  const isNumber = typeof id === "number" && Number.isFinite(id);
  if (!(isNumber || typeof id === "string") || !isShort(id)) {
    throw malformed("id_invalid", '"id" must be a string or a number of at most 256 bytes as JSON');
  }
  if (producer !== undefined && !(typeof producer === "string" && isShort(producer))) {
    throw malformed("producer_invalid", '"producer" must be a string of at most 256 bytes as JSON');
  }
  if (seq !== undefined && !(Number.isSafeInteger(seq) && seq >= 0)) {
    throw malformed("seq_invalid", '"seq" must be a whole number from 0 to 2^53 - 1');
  }
}

function isShort(value: string | number): boolean {
  return encoder.encode(JSON.stringify(value)).length <= MAX_LOG_FIELD_BYTES;
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw malformed("not_json", `the update cannot be written as JSON: ${messageOf(error)}`);
  }
}
