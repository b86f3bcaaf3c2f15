import { type UpdateFault, UpdateReader } from "@tidings/protocol";
import { sliceText } from "./bytes.ts";

/** What an intake works with. */
export interface UpdateIntakeOptions {
  readonly maxBytes: number;
  readonly implicitBroadcast: boolean;
  /** Where refused updates are counted, by reason. */
  readonly malformed: Map<UpdateFault, number>;
  /** A line for the log about an update that was refused: its size, never its payload. */
  readonly onMalformed: (fault: UpdateFault, bytes: number) => void;
}

/** Reads updates as the broker delivers them; counts and reports the malformed, which end here. */
export class UpdateIntake {
  readonly #options: UpdateIntakeOptions;
  readonly #reader: UpdateReader;

  constructor(options: UpdateIntakeOptions) {
    this.#options = options;
    const { maxBytes, implicitBroadcast } = options;
    this.#reader = new UpdateReader({ maxBytes, implicitBroadcast, decode: sliceText });
  }

  /** The update that a message holds, which is good until the next call; null where it is malformed. */
  take(message: Uint8Array): UpdateReader | null {
    const fault = this.#reader.read(message);
    if (fault === null) return this.#reader;
    const { malformed, onMalformed } = this.#options;
    malformed.set(fault, (malformed.get(fault) ?? 0) + 1);
    onMalformed(fault, message.length);
    return null;
  }
}
