import type { BrokerMessage, MessageHandler } from "../broker/broker.ts";
import type { UpdateLog } from "../broker/update-log.ts";
import type { Clock, Random } from "../clock.ts";
import type { UpdateIntake } from "../update-intake.ts";
import { AppendQueue } from "./append-queue.ts";
import type { IngestCounters, IngestLoss } from "./ingest-counters.ts";
import { IngestKeep } from "./ingest-keep.ts";
import { IngestLease, LEASE_TTL_MS } from "./ingest-lease.ts";
import { IngestVoice } from "./ingest-voice.ts";
import { type IngestScope, type IngestWord, parseIngestWord } from "./ingest-word.ts";

/** What ingest through the log works with. */
export interface LogIngestOptions {
  /** A name that no other relay has. */
  readonly relayId: string;
  /** What this relay has in common with those that share its lease. */
  readonly scope: IngestScope;
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
  /** A relay of another channel of plain `PUBLISH` uses the same database, and so the same logs. */
  readonly onOtherChannel: (channel: string) => void;
}

/** While a holder of the lease is missing, for at most 3 s. */
const NOBODY = "no relay brings what PUBLISH says into the log yet; the lease for it is being taken";

/** How long a relay that leaves waits for its hand-over, in milliseconds. */
export const YIELD_MS = 2_000;

/**
 * Brings plain `PUBLISH` into the log: every relay hears it, and the one that holds the lease appends it. Delivery is not
 * its job; relays deliver from the log's notices.
 *
 * Each update is stored at most once because every change of holder has a place among the updates, at which an
 * {@link IngestWord} stands.
 *
 * A holder whose lease has lapsed keeps what it hears as well, and goes on with it where nobody else said `holding`
 * before it has the lease again. What is kept is bounded by the queue's bytes and in time ({@link IngestKeep}); beyond them updates
 * are lost and counted. With a holder that dies, what it had not appended is lost, and what comes until the next
 * `holding`: at most 3 s.
 */
export class LogIngest {
  readonly #options: LogIngestOptions;
  readonly #voice: IngestVoice;
  readonly #lease: IngestLease;
  readonly #queue: AppendQueue;
  readonly #keep: IngestKeep;
  /** Whether this relay has the lease and has heard its own `holding`, with no other's after it. */
  #isHolder = false;
  /** Whether words of others may have been missed since: only an unbroken lease says that nobody else held. */
  #isDoubted = false;
  /**
   * Where another relay said that it holds what this one believed to hold: how many questions for the lease had been asked
   * by then, since only the answer to a later one decides.
   */
  #contestedAt: number | null = null;
  /** The own `holding` that has yet to be heard. */
  #pendingClaim: number | null = null;
  /** Whether the last answer of the log was that another relay has the lease. */
  #isHeldElsewhere = false;
  /** The other relay that said `holding` last, as far as none can have been missed since. */
  #heardHolder: string | null = null;
  /** Resolves when this relay ceases to be the holder. */
  #ceased = Promise.withResolvers<void>();
  #unconfirmedAt = -Infinity;
  #left: Promise<void> | null = null;
  /** Whether this relay takes no more, for good. */
  #isClosed = false;
  #onClosed: (() => void) | null = null;

  constructor(options: LogIngestOptions) {
    this.#options = options;
    const { log, relayId: holder, clock, random, counters } = options;
    const onLoss = (kind: IngestLoss, updates: number, reason: string): void => {
      if (kind === "unconfirmed") this.#unconfirmedAt = clock.monotonic();
      options.onLoss(kind, updates, reason);
    };
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
      clock,
      onLoss,
      onShut: () => this.#lease.ask(),
    });
    this.#keep = new IngestKeep({ ...options, queue: this.#queue, onLoss });
    this.#voice = new IngestVoice({
      ...options,
      // `holding` is said again with the next answer, and without `released` the others ask in time.
      onUnsaid: (verb) => verb === "yielding" && this.#close(),
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
    if (!this.#lease.isFresh) return false;
    return this.#isHolder || (this.#isHeldElsewhere && this.#heardHolder !== null);
  }

  /** Why what is published is not stored, in one sentence; null while it is, as far as this relay knows. */
  get trouble(): string | null {
    if (this.isServed && !this.#isHolder) return null;
    const fault = this.isServed ? this.#queue.refusal : this.#lease.fault;
    if (fault !== null) return `what PUBLISH says cannot be stored: ${fault}`;
    return this.isServed ? null : NOBODY;
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
    this.#keep.leaveToOthers();
    if (this.#left !== null) this.#close();
    if (this.#keep.isOwn) this.#isDoubted = true;
    else this.#forget("the subscription was lost");
  }

  /** Handles one update. Bound, so that it can be handed to a broker as it is. */
  readonly receive: MessageHandler = (message) => this.#keep.take(message);

  /** Handles one message of other relays. Bound, as {@link receive}. */
  readonly hear: MessageHandler = (message) => {
    if (this.#isClosed) return;
    const word = parseIngestWord(message);
    if (word === null) this.#options.onUnknown();
    else if (word.relay_id === this.#options.relayId) this.#hearOwn(word);
    else if (this.#voice.concerns(word)) this.#hearOther(word);
    // A relay that shares the logs and should not is answered once, so that it knows, too.
    else if (this.#voice.overhear(word) && this.#isHolder && this.#left === null) this.#voice.claim();
  };

  /**
   * Leaves: hands over where this relay holds, and never holds again. Resolves after {@link YIELD_MS} at the latest, and
   * never rejects. Calling it again returns the same promise.
   */
  yield(): Promise<void> {
    return (this.#left ??= this.#leave());
  }

  async #leave(): Promise<void> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(YIELD_MS, late.resolve);
    const closed = Promise.withResolvers<void>();
    this.#onClosed = closed.resolve;
    if (this.#isHolder) this.#voice.yield();
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
      this.#voice.say("released");
    }
    cancel();
  }

  /** Takes no more, from this place among the updates on. */
  #close(): void {
    this.#isClosed = true;
    this.#keep.close();
    this.#onClosed?.();
  }

  #onHeld(isUnbroken: boolean): void {
    this.#isHeldElsewhere = false;
    if (!isUnbroken) {
      this.#pendingClaim = null;
      this.#suspend();
      if (this.#isDoubted || this.#contestedAt !== null)
        this.#forget("another relay may have held the lease");
    }
    this.#isDoubted = false;
    if (this.#contestedAt !== null && this.#lease.answered > this.#contestedAt) {
      // The other was mistaken, and others believe it.
      this.#contestedAt = null;
      this.#heardHolder = null;
      this.#keep.uncontest();
      this.#voice.owesClaim = this.#isHolder && this.#left === null;
    }
    if (this.#isHolder) this.#resume();
    else if (!this.#isClosed) this.#pendingClaim ??= this.#voice.nextClaim();
    // Again with each answer until it is heard.
    if (this.#pendingClaim !== null || this.#voice.owesClaim) this.#voice.claim();
  }

  #resume(): void {
    if (this.#contestedAt === null) this.#queue.open();
  }

  #onRefused(): void {
    this.#isHeldElsewhere = true;
    this.#keep.leaveToOthers();
    this.#pendingClaim = null;
    this.#suspend();
    if (this.#isDoubted || this.#contestedAt !== null) this.#forget("another relay has the lease");
    if (this.#heardHolder === null && !this.#isClosed) this.#voice.say("joining");
  }

  /** The lease is not certain: a holder keeps what comes for a while, since nobody else may have begun. */
  #suspend(): void {
    this.#queue.shut();
    if (!this.#isHolder) return;
    this.#cease();
    this.#keepForAWhile();
  }

  #hearOwn({ verb, claim }: IngestWord): void {
    if (verb === "yielding" && this.#left !== null) this.#close();
    if (verb !== "holding" || claim !== this.#pendingClaim || this.#lease.current === null) return;
    this.#pendingClaim = null;
    this.#heardHolder = null;
    this.#keep.own();
    this.#isHolder = true;
    this.#ceased = Promise.withResolvers<void>();
    this.#options.counters.takeovers += 1;
    this.#options.onHolder(true);
    this.#resume();
    if (this.#left !== null) this.#voice.yield();
  }

  #hearOther({ verb, relay_id: relayId }: IngestWord): void {
    if (verb === "released") this.#lease.ask();
    else if (verb === "joining") {
      if (this.#isHolder && this.#left === null) this.#voice.say("holding");
    } else if (verb === "yielding") {
      // A relay that was frozen may yield what another holds by now.
      if (relayId !== this.#heardHolder || this.#isHolder) return;
      if (this.#contestedAt !== null) this.#forget("another relay had the lease");
      this.#keepForAWhile();
    } else {
      this.#heardHolder = relayId;
      this.#keep.leaveToOthers();
      if (this.#keep.isOwn) this.#contest();
      else this.#forget("another relay has the lease");
    }
  }

  /** Where two believe to hold, one is mistaken, and the log tells which. Until then neither may go on. */
  #contest(): void {
    this.#queue.shut();
    this.#contestedAt ??= this.#lease.asked;
    this.#keep.contest();
    this.#lease.ask();
  }

  #keepForAWhile(): void {
    if (!this.#isClosed) this.#keep.forAWhile();
  }

  #forget(reason: string): void {
    this.#isDoubted = false;
    this.#contestedAt = null;
    this.#keep.forget(reason);
  }

  #cease(): void {
    this.#queue.shut();
    if (!this.#isHolder) return;
    this.#isHolder = false;
    this.#voice.owesClaim = false;
    this.#ceased.resolve();
    this.#options.onHolder(false);
  }
}
