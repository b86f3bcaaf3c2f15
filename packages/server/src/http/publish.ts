import { JsonScanner, type UpdateFault, UpdateReader, updateFaults } from "@tidings/protocol";
import { type Broker, type BrokerMessage, BrokerUnavailable } from "../broker/broker.ts";
import { sliceText } from "../bytes.ts";
import { jsonResponse, problemResponse } from "./problem.ts";

/** What the endpoint works with. */
export interface PublishOptions {
  readonly broker: Broker;
  readonly channel: string;
  readonly maxUpdateBytes: number;
  readonly implicitBroadcast: boolean;
}

/** Most updates in one request. */
const MAX_UPDATES_PER_REQUEST = 1_000;

interface Rejected {
  readonly index: number;
  readonly code: UpdateFault;
  readonly detail: string;
}

/**
 * `POST /v1/publish`: takes one update or an array of them, checks all before it publishes any, and publishes them in
 * one transaction, byte for byte as they came. 202 says that the broker has them all.
 */
export class PublishEndpoint {
  readonly #options: PublishOptions;
  readonly #scanner = new JsonScanner(MAX_UPDATES_PER_REQUEST);
  readonly #reader: UpdateReader;

  constructor(options: PublishOptions) {
    this.#options = options;
    const { maxUpdateBytes: maxBytes, implicitBroadcast } = options;
    this.#reader = new UpdateReader({ maxBytes, implicitBroadcast, decode: sliceText });
  }

  /** Answers one request whose key has been checked. */
  async handle(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const updates = this.#split(body);
    if (updates === null) {
      return problemResponse({
        status: 400,
        code: "bad_count",
        title: "Wrong number of updates",
        detail: `Send an update, or an array of 1 to ${MAX_UPDATES_PER_REQUEST}.`,
      });
    }
    const rejected: Rejected[] = [];
    const targets: string[] = [];
    for (const [index, update] of updates.entries()) {
      const code = this.#reader.read(update);
      if (code === null) targets.push(this.#reader.target);
      else rejected.push({ index, code, detail: updateFaults[code] });
    }
    if (rejected.length > 0) {
      return problemResponse({
        status: 400,
        code: "malformed_update",
        title: "Malformed update",
        detail: `${rejected.length} of ${updates.length} updates are malformed; none was published.`,
        more: { errors: rejected },
      });
    }
    return this.#publish(updates, targets);
  }

  /** The bytes of each update: the elements where the body is an array, else the body. Null where there are too many or none. */
  #split(body: Uint8Array): readonly Uint8Array[] | null {
    const scanner = this.#scanner;
    if (!scanner.scan(body) || scanner.kind !== "array") return [body];
    if (scanner.count === 0 || scanner.count > MAX_UPDATES_PER_REQUEST) return null;
    return Array.from({ length: scanner.count }, (_, index) =>
      body.subarray(scanner.valueStart(index), scanner.valueEnd(index)),
    );
  }

  async #publish(updates: readonly Uint8Array[], targets: readonly string[]): Promise<Response> {
    const { broker, channel } = this.#options;
    const messages: BrokerMessage[] = updates.map((data) => ({ channel, data }));
    try {
      await broker.publish(messages);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      return problemResponse(
        {
          status: 503,
          code: "broker_unavailable",
          title: "Redis unavailable",
          detail: "Redis did not confirm the updates; they may have been published or not. Try again.",
        },
        { "retry-after": "1" },
      );
    }
    const accepted = targets.map((target_user_id) => ({ target_user_id }));
    return jsonResponse({ accepted: accepted.length, updates: accepted }, 202);
  }
}
