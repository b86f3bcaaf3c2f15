import { type UpdateFault, UpdateReader } from "@tidings/protocol";
import { sliceText } from "./bytes.ts";
import type { DeliveryCounters } from "./metrics.ts";
import type { Hub } from "./websocket/hub.ts";

/** What ingest works with. */
export interface IngestOptions {
  readonly hub: Hub;
  readonly counters: DeliveryCounters;
  readonly maxBytes: number;
  readonly implicitBroadcast: boolean;
  /** A line for the log about an update that was refused: its size, never its payload. */
  readonly onMalformed: (fault: UpdateFault, bytes: number) => void;
}

/** Takes updates as the broker delivers them: refuses and counts the malformed, hands the rest to the hub. */
export class Ingest {
  readonly #options: IngestOptions;
  readonly #reader: UpdateReader;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { maxBytes, implicitBroadcast } = options;
    this.#reader = new UpdateReader({ maxBytes, implicitBroadcast, decode: sliceText });
  }

  /** Handles one update. Bound, so that it can be handed to a broker as it is. */
  readonly receive = (message: Uint8Array): void => {
    const { hub, counters } = this.#options;
    const fault = this.#reader.read(message);
    if (fault !== null) {
      this.#refuse(fault, message.length);
      return;
    }
    const clients = hub.deliver(this.#reader);
    if (clients === 0) counters.noConnection += 1;
    else {
      counters.delivered += 1;
      counters.deliveries += clients;
    }
  };

  #refuse(fault: UpdateFault, bytes: number): void {
    const { malformed } = this.#options.counters;
    malformed.set(fault, (malformed.get(fault) ?? 0) + 1);
    this.#options.onMalformed(fault, bytes);
  }
}
