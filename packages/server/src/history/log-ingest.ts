import type { BrokerMessage, MessageHandler } from "../broker/broker.ts";
import type { UpdateLog } from "../broker/update-log.ts";
import type { CancelTimer, Clock, Random } from "../clock.ts";
import type { UpdateIntake } from "../update-intake.ts";
import { AppendQueue } from "./append-queue.ts";
import type { IngestCounters, IngestLoss } from "./ingest-counters.ts";
import { IngestLease, LEASE_TTL_MS } from "./ingest-lease.ts";
import { INGEST_CHANNEL, type IngestWord, parseIngestWord } from "./ingest-word.ts";

/** What ingest through the log works with. */
export interface LogIngestOptions {
  /** A name that no other relay has. */
  readonly relayId: string;
  readonly log: UpdateLog;
  readonly publish: (messages: readonly BrokerMessage[]) => Promise<unknown>;
  readonly intake: UpdateIntake;
  readonly counters: IngestCounters;
  readonly clock: Clock;
  readonly random: Random;
  /** This relay began to append, or ceased to. */
  readonly onHolder: (isHolder: boolean) => void;
  /** Updates were not, or not certainly, stored. `reason` is one sentence without payloads. */
  readonly onLoss: (kind: IngestLoss, updates: number, reason: string) => void;
  /** A message on the channel that this relay does not understand, such as a newer relay's. */
  readonly onUnknown: () => void;
}

/** How long updates are kept for a holder that has yet to come, in milliseconds: more than a lease and a question. */
export const KEEP_MS = 5_000;

/** How long a relay that leaves waits for its hand-over, in milliseconds. */
export const YIELD_MS = 2_000;

/**
 * Brings plain `PUBLISH` into the log: every relay hears it, and the one that holds the lease appends it. Delivery is not
 * its job; relays deliver from the log's notices.
 *
 * Each update is stored at most once because every change of holder has a place among the updates. Redis delivers all
 * channels of a connection in one order, so a word on `tidings:ingest` stands at the same place for every relay:
 *
 * - `holding`, said by a relay that has got the lease: it appends what it hears after its own word, and nothing before
 *   it that others may have appended. By then the lease of the holder before has run out or been given back, so the log
 *   refuses that one's late appends. All others forget what they kept.
 * - `yielding`, said by a holder that leaves: it appends what it hears before its own word and nothing after it. From
 *   that place on the others keep what they hear, and the next holder appends what it kept. So nothing is lost.
 * - `released`, said when all of that is stored and the lease is given back: the others ask for it at once. Where an
 *   append was not answered, the lease is left to run out instead, since the log may be about to carry that append out.
 * - `joining`, said by a relay that does not know who holds: the holder says `holding` again. Only the holder that a relay
 *   knows can yield to it, since one that was frozen may be mistaken.
 *
 * A holder whose lease has lapsed keeps what it hears as well, and goes on with it where nobody else said `holding`
 * before it has the lease again. What is kept is bounded by the queue's bytes and by {@link KEEP_MS}; beyond them updates
 * are lost and counted. With a holder that dies, what it had not appended is lost, and what comes until the next
 * `holding`: at most 3 s.
 */
export class LogIngest {
  readonly #options: LogIngestOptions;
  readonly #lease: IngestLease;
  readonly #queue: AppendQueue;
  /** Whether what is heard goes into the queue. */
  #keeps = false;
  /** Whether what the queue holds is lost with it: no other relay keeps it too. */
  #isOwn = false;
  /** Whether this relay has the lease and has heard its own `holding`, with no other's after it. */
  #isHolder = false;
  /** Whether words of others may have been missed since: only an unbroken lease says that nobody else held. */
  #isDoubted = false;
  /** How often this relay has got the lease: the name of its claim. */
  #claims = 0;
  /** The own `holding` that has yet to be heard. */
  #pendingClaim: number | null = null;
  /** Whether the last answer of the log was that another relay has the lease. */
  #isHeldElsewhere = false;
  /** The other relay that said `holding` last, as far as none can have been missed since. */
  #heardHolder: string | null = null;
  /** Resolves when this relay ceases to be the holder. */
  #ceased = Promise.withResolvers<void>();
  #unconfirmedAt = -Infinity;
  #cancelKeep: CancelTimer | null = null;
  #left: Promise<void> | null = null;
  /** Whether this relay takes no more, for good. */
  #isClosed = false;
  #onClosed: (() => void) | null = null;

  constructor(options: LogIngestOptions) {
    this.#options = options;
    const { log, relayId: holder, clock, random, counters } = options;
    this.#lease = new IngestLease({
      log,
      holder,
      clock,
      random,
      onHeld: (isUnbroken) => this.#onHeld(isUnbroken),
      onRefused: () => this.#onRefused(),
      onLapsed: () => this.#suspend(),
    });
    this.#queue = new AppendQueue({
      log,
      lease: () => this.#lease.current,
      counters,
      onLoss: (kind, updates, reason) => this.#onLoss(kind, updates, reason),
      onShut: () => this.#lease.ask(),
    });
  }

  /** Whether this relay appends. */
  get isHolder(): boolean {
    return this.#isHolder;
  }

  /**
   * Whether, as far as this relay knows, some relay appends what is published. Where it is another, this one knows which,
   * so that it can take over from it without a loss.
   */
  get isServed(): boolean {
    return this.#isHolder || (this.#isHeldElsewhere && this.#heardHolder !== null);
  }

  /** Begins to ask for the lease. */
  start(): void {
    this.#lease.start();
  }

  /** Messages arrive, for the first time or again: asks for the lease at once. */
  arrived(): void {
    this.#lease.ask();
  }

  /** The subscription was lost, so words may be missed. To be called before messages arrive again. */
  interrupted(): void {
    this.#pendingClaim = null;
    this.#heardHolder = null;
    if (this.#left !== null) this.#close();
    if (this.#isOwn) this.#isDoubted = true;
    else this.#forget("the subscription was lost");
  }

  /** Handles one update. Bound, so that it can be handed to a broker as it is. */
  readonly receive: MessageHandler = (message) => {
    if (!this.#keeps) return;
    const update = this.#options.intake.take(message);
    if (update === null) return;
    const { target, idText: id, seq, producerText: producer } = update;
    this.#queue.push({ target, frame: update.frame(), id, seq, producer }, update.frameBytes);
  };

  /** Handles one message on {@link INGEST_CHANNEL}. Bound, as {@link receive}. */
  readonly hear: MessageHandler = (message) => {
    if (this.#isClosed) return;
    const word = parseIngestWord(message);
    if (word === null) this.#options.onUnknown();
    else if (word.relay_id === this.#options.relayId) this.#hearOwn(word);
    else this.#hearOther(word);
  };

  /**
   * Leaves: hands over where this relay holds, and never holds again. Resolves after {@link YIELD_MS} at the latest, and
   * never rejects. Calling it again returns the same promise.
   */
  yield(): Promise<void> {
    return (this.#left ??= this.#leave());
  }

  async #leave(): Promise<void> {
    const { clock, relayId } = this.#options;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(YIELD_MS, late.resolve);
    const closed = Promise.withResolvers<void>();
    this.#onClosed = closed.resolve;
    if (this.#isHolder) this.#say({ verb: "yielding", relay_id: relayId });
    // A claim that is not heard yet is waited for: at its place the others forget what this relay then has to store.
    else if (this.#pendingClaim === null) this.#close();
    await Promise.race([closed.promise, late.promise]);
    this.#close();
    if (this.#isHolder) await Promise.race([this.#queue.settled(), this.#ceased.promise, late.promise]);
    this.#cease();
    this.#forget("the relay left");
    const isDoubtful = clock.monotonic() - this.#unconfirmedAt < LEASE_TTL_MS;
    if (this.#lease.current === null || !this.#queue.isSettled || isDoubtful) this.#lease.stop();
    else {
      await Promise.race([this.#lease.release(), late.promise]);
      this.#say({ verb: "released", relay_id: relayId });
    }
    cancel();
  }

  /** Takes no more, from this place among the updates on. */
  #close(): void {
    this.#isClosed = true;
    this.#keeps = false;
    this.#cancelKeep?.();
    this.#onClosed?.();
  }

  #onHeld(isUnbroken: boolean): void {
    this.#isHeldElsewhere = false;
    if (!isUnbroken) {
      this.#pendingClaim = null;
      this.#suspend();
      if (this.#isDoubted) this.#forget("another relay may have held the lease");
    }
    this.#isDoubted = false;
    if (this.#isHolder) this.#queue.open();
    else if (!this.#isClosed) this.#pendingClaim ??= ++this.#claims;
    // Again with each answer until it is heard.
    if (this.#pendingClaim !== null) this.#claim();
  }

  #claim(): void {
    this.#say({ verb: "holding", relay_id: this.#options.relayId, claim: this.#claims });
  }

  #onRefused(): void {
    this.#isHeldElsewhere = true;
    this.#pendingClaim = null;
    this.#suspend();
    if (this.#isDoubted) this.#forget("another relay has the lease");
    if (this.#heardHolder === null && !this.#isClosed) {
      this.#say({ verb: "joining", relay_id: this.#options.relayId });
    }
  }

  /** The lease is not certain: a holder keeps what comes for a while, since nobody else may have begun. */
  #suspend(): void {
    this.#queue.shut();
    if (!this.#isHolder) return;
    this.#cease();
    this.#keepForAWhile();
  }

  #hearOwn({ verb, claim }: IngestWord): void {
    if (verb === "yielding") this.#close();
    if (verb !== "holding" || claim !== this.#pendingClaim || this.#lease.current === null) return;
    this.#pendingClaim = null;
    this.#heardHolder = null;
    this.#cancelKeep?.();
    this.#keeps = true;
    this.#isOwn = true;
    this.#isHolder = true;
    this.#ceased = Promise.withResolvers<void>();
    this.#options.counters.takeovers += 1;
    this.#options.onHolder(true);
    this.#queue.open();
    if (this.#left !== null) this.#say({ verb: "yielding", relay_id: this.#options.relayId });
  }

  #hearOther({ verb, relay_id: relayId }: IngestWord): void {
    if (verb === "released") this.#lease.ask();
    else if (verb === "joining") {
      if (this.#isHolder && this.#left === null) this.#claim();
    } else if (verb === "yielding") {
      // A relay that was frozen may yield what another holds by now.
      if (relayId === this.#heardHolder) this.#keepForAWhile();
    } else {
      this.#heardHolder = relayId;
      // Where two believe to hold, one is mistaken, and the log tells which. Until then neither may go on.
      if (this.#isHolder) this.#lease.ask();
      this.#cease();
      this.#forget("another relay has the lease");
    }
  }

  #keepForAWhile(): void {
    if (this.#isClosed) return;
    this.#keeps = true;
    this.#cancelKeep?.();
    this.#cancelKeep = this.#options.clock.after(KEEP_MS, () => {
      this.#isOwn = true;
      this.#forget("no relay got the lease in time");
    });
  }

  /** Forgets what is kept and keeps no more. Where it was this relay's own it is lost. */
  #forget(reason: string): void {
    this.#cancelKeep?.();
    const updates = this.#queue.clear();
    const isLost = this.#isOwn && updates > 0;
    this.#keeps = false;
    this.#isOwn = false;
    this.#isDoubted = false;
    if (!isLost) return;
    this.#options.counters.lost += updates;
    this.#onLoss("lost", updates, reason);
  }

  #cease(): void {
    this.#queue.shut();
    if (!this.#isHolder) return;
    this.#isHolder = false;
    this.#ceased.resolve();
    this.#options.onHolder(false);
  }

  #onLoss(kind: IngestLoss, updates: number, reason: string): void {
    if (kind === "unconfirmed") this.#unconfirmedAt = this.#options.clock.monotonic();
    this.#options.onLoss(kind, updates, reason);
  }

  #say(word: IngestWord): void {
    this.#options.publish([{ channel: INGEST_CHANNEL, data: JSON.stringify(word) }]).catch(() => {
      // `holding` is said again with the next answer, and without `released` the others ask in time.
      if (word.verb === "yielding") this.#close();
    });
  }
}
