import type { DeliveryCounters } from "./metrics.ts";
import type { UpdateIntake } from "./update-intake.ts";
import type { Hub } from "./websocket/hub.ts";

/** What ingest works with. */
export interface IngestOptions {
  readonly hub: Hub;
  readonly counters: DeliveryCounters;
  readonly intake: UpdateIntake;
}

/** Takes updates as the broker delivers them and hands them straight to the hub: delivery without history. */
export class Ingest {
  readonly #options: IngestOptions;

  constructor(options: IngestOptions) {
    this.#options = options;
  }

  /** Handles one update. Bound, so that it can be handed to a broker as it is. */
  readonly receive = (message: Uint8Array): void => {
    const { hub, counters, intake } = this.#options;
    const update = intake.take(message);
    if (update === null) return;
    const clients = hub.deliver(update);
    if (clients === 0) counters.noConnection += 1;
    else {
      counters.delivered += 1;
      counters.deliveries += clients;
    }
  };
}
