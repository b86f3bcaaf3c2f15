import type { BrokerMessage } from "../broker/broker.ts";
import type { Clock } from "../clock.ts";
import { SHORTEST_ASK_MS } from "./ingest-lease.ts";
import { INGEST_CHANNEL, type IngestScope, ingestScope, type IngestWord } from "./ingest-word.ts";

/** What the voice works with. */
export interface IngestVoiceOptions {
  readonly relayId: string;
  readonly scope: IngestScope;
  readonly publish: (messages: readonly BrokerMessage[]) => Promise<unknown>;
  readonly clock: Clock;
  /** A word was not, or not certainly, said. */
  readonly onUnsaid: (verb: IngestWord["verb"]) => void;
  /** A relay of another channel of plain `PUBLISH` uses the same database, and so the same logs. */
  readonly onOtherChannel: (channel: string) => void;
}

/** Most other channels that are told from each other. */
const MOST_CHANNELS = 16;

/** Longest name of another channel that is passed on, in UTF-16 units. */
const MOST_NAME = 200;

/** What one relay says on {@link INGEST_CHANNEL}, and to whom it belongs. */
export class IngestVoice {
  readonly #options: IngestVoiceOptions;
  readonly #scope: string;
  #claims = 0;
  #claimedAt = -Infinity;
  /** Other channels heard of in this database. */
  readonly #otherChannels = new Set<string>();

  /** Whether somebody wants to hear `holding`, and has not yet. */
  owesClaim = false;

  constructor(options: IngestVoiceOptions) {
    this.#options = options;
    this.#scope = ingestScope(options.scope);
  }

  /** The number of a claim that was not made before. */
  nextClaim(): number {
    this.#claims += 1;
    return this.#claims;
  }

  /** Says `holding`; later where it was said only just, lest two that contradict each other do so without end. */
  claim(): void {
    const now = this.#options.clock.monotonic();
    this.owesClaim = now - this.#claimedAt < SHORTEST_ASK_MS;
    if (this.owesClaim) return;
    this.#claimedAt = now;
    this.say("holding");
  }

  /** Says `yielding`, after what is owed: who does not know who holds would not believe it. */
  yield(): void {
    if (this.owesClaim) this.say("holding");
    this.owesClaim = false;
    this.say("yielding");
  }

  /** Says a word at once. */
  say(verb: IngestWord["verb"]): void {
    const { relayId, publish, onUnsaid } = this.#options;
    const claim = verb === "holding" ? { claim: this.#claims } : {};
    const word: IngestWord = { verb, relay_id: relayId, scope: this.#scope, ...claim };
    publish([{ channel: INGEST_CHANNEL, data: JSON.stringify(word) }]).catch(() => onUnsaid(verb));
  }

  /** Whether a word is said among those that share this relay's lease. */
  concerns({ scope }: IngestWord): boolean {
    return scope === this.#scope;
  }

  /**
   * Takes note of a word that does not concern this relay: one of this database has the same logs and should not. Returns
   * whether its channel is news.
   */
  overhear({ scope }: IngestWord): boolean {
    const slash = scope.indexOf("/");
    if (scope.slice(0, slash) !== String(this.#options.scope.database)) return false;
    const channel = scope.slice(slash + 1, slash + 1 + MOST_NAME);
    this.#options.onOtherChannel(channel);
    if (this.#otherChannels.has(channel) || this.#otherChannels.size === MOST_CHANNELS) return false;
    this.#otherChannels.add(channel);
    return true;
  }
}
