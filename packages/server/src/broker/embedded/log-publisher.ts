import { type UpdateFault, updateFaults, UpdateReader } from "@tidings/protocol";
import { sliceText } from "../../bytes.ts";
import type { LogPosition } from "../update-log.ts";
import { textOf } from "./channel-name.ts";
import type { LogStore } from "./log-store.ts";

/** Why an update was not stored, as the function `tidings_publish` says it. */
export interface PublishRefusal {
  readonly fault: UpdateFault | "key_mismatch";
  readonly sentence: string;
}

/** Stores updates as workers publish them: what the function `tidings_publish` does in Redis, with its verdicts and words. */
export class LogPublisher {
  readonly #store: LogStore;
  readonly #reader: UpdateReader;

  constructor(store: LogStore) {
    this.#store = store;
    this.#reader = new UpdateReader({ maxBytes: store.bounds.maxUpdateBytes, decode: sliceText });
  }

  /** Stores and tells one update, whose target `key` must fit, and gives its position. */
  publish(key: Uint8Array, update: Uint8Array): LogPosition | PublishRefusal {
    const reader = this.#reader;
    const fault = reader.read(update);
    if (fault !== null) return { fault, sentence: updateFaults[fault] };
    const { target, idText: id, seq, producerText: producer } = reader;
    const expected = `tidings:{${target}}:log`;
    if (textOf(key) !== expected) {
      return { fault: "key_mismatch", sentence: `the key of the log of this user is ${expected}` };
    }
    const [position] = this.#store.append([{ target, frame: reader.frame(), id, seq, producer }]);
    if (position === undefined) throw new Error("a draft was appended without a position");
    return position;
  }
}
