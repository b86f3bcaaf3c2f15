import { formatOffset, JsonScanner, type UpdateFault, UpdateReader, updateFaults } from "@tidings/protocol";
import { type Broker, BrokerRefused, BrokerUnavailable } from "../broker/broker.ts";
import type { LogDraft, UpdateLog } from "../broker/update-log.ts";
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

const UNCONFIRMED = "Redis did not confirm the updates; they may have been published or not. Try again.";

const UNCONFIRMED_IN_LOG =
  'Redis did not confirm the updates; they may have been stored or not. Try again: an update with an "id" is not stored twice.';

function detailOf(error: BrokerUnavailable, hasLog: boolean): string {
  if (!error.isUndone) return hasLog ? UNCONFIRMED_IN_LOG : UNCONFIRMED;
  const reason = error instanceof BrokerRefused ? `${error.message}. ` : "";
  return `${reason}None of the updates was ${hasLog ? "stored" : "published"}. Try again.`;
}

interface Rejected {
  readonly index: number;
  readonly code: UpdateFault;
  readonly detail: string;
}

/** An update that was taken: whom it is for and, with history, its offset. */
interface Accepted {
  readonly target_user_id: string;
  readonly offset?: string;
}

/** An update of the request that is known to be valid. */
interface Taken {
  readonly bytes: Uint8Array;
  readonly draft: LogDraft;
}

/**
 * `POST /v1/publish`: takes one update or an array of them, checks all before it publishes any, and publishes them in
 * one atomic step, byte for byte as they came. With history 202 says that they are stored, and where; without, that the
 * broker has told everyone who listens.
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
    const taken: Taken[] = [];
    for (const [index, update] of updates.entries()) {
      const code = this.#reader.read(update);
      if (code === null) taken.push({ bytes: update, draft: this.#draft() });
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
    return this.#publish(taken);
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

  /** What was just read, as the log takes it. */
  #draft(): LogDraft {
    const { target, idText: id, seq, producerText: producer } = this.#reader;
    return { target, frame: this.#reader.frame(), id, seq, producer };
  }

  async #publish(taken: readonly Taken[]): Promise<Response> {
    const { log } = this.#options.broker;
    try {
      const updates = log === null ? await this.#tell(taken) : await store(log, taken);
      return jsonResponse({ accepted: updates.length, updates }, 202);
    } catch (error) {
      if (!(error instanceof BrokerUnavailable)) throw error;
      return problemResponse(
        {
          status: 503,
          code: "broker_unavailable",
          title: "Redis unavailable",
          detail: detailOf(error, log !== null),
        },
        { "retry-after": "1" },
      );
    }
  }

  async #tell(taken: readonly Taken[]): Promise<readonly Accepted[]> {
    const { broker, channel } = this.#options;
    await broker.publish(taken.map(({ bytes: data }) => ({ channel, data })));
    return taken.map(({ draft }) => ({ target_user_id: draft.target }));
  }
}

async function store(log: UpdateLog, taken: readonly Taken[]): Promise<readonly Accepted[]> {
  const drafts = taken.map(({ draft }) => draft);
  const positions = await log.append(drafts);
  return positions.map(({ epoch, n }, index) => {
    const target = drafts[index]?.target ?? "";
    return { target_user_id: target, offset: formatOffset(target, epoch, n) };
  });
}
