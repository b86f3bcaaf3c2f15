import type { CancelTimer, Clock, Random } from "../clock.ts";

/** What an {@link EchoProbe} needs. */
export interface EchoProbeOptions {
  /** Publishes a nonce on the channel whose messages are handed to {@link EchoProbe.receive}. */
  readonly publish: (nonce: string) => Promise<unknown>;
  /** How often a nonce is sent, in milliseconds. No second one is sent while one is out. */
  readonly intervalMs: number;
  /** How long the echo and the answer to its publish may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  /** A nonce came back `lagMs` milliseconds after it was published. */
  readonly onEcho: (lagMs: number) => void;
  /** The probe failed and has stopped: messages do not arrive. Called at most once, with one sentence. */
  readonly onSilence: (reason: string) => void;
}

/**
 * A timeout that fires this much too late, in milliseconds, was held up together with the rest of the
 * process.
 */
const STALL_MS = 100;

/** What an echo gets after a stall, in milliseconds, since it may wait unread in a socket. */
const GRACE_MS = 250;

interface Round {
  readonly nonce: string;
  readonly sentAt: number;
  echoed: boolean;
  answered: boolean;
  spared: boolean;
  cancelDeadline: CancelTimer;
}

/**
 * Proves that published messages arrive, by sending itself one again and again and waiting for it. A
 * connection that is open, and even one that answers, proves nothing of that kind. Lives as long as one
 * subscription.
 */
export class EchoProbe {
  readonly #options: EchoProbeOptions;
  readonly #prefix: string;
  #round: Round | null = null;
  #sent = 0;
  #stopTicking: CancelTimer | null = null;

  constructor(options: EchoProbeOptions) {
    this.#options = options;
    this.#prefix = Math.floor(options.random() * 2 ** 32).toString(36);
  }

  /** Sends the first nonce at once and the others at the interval. Call it once. */
  start(): void {
    this.#stopTicking = this.#options.clock.every(this.#options.intervalMs, () => this.#send());
    this.#send();
  }

  /**
   * Takes a message of the probe's channel. One that is not the nonce that is out says nothing and is
   * ignored.
   */
  receive(message: Uint8Array): void {
    const round = this.#round;
    if (round === null || round.echoed || new TextDecoder().decode(message) !== round.nonce) return;
    round.echoed = true;
    this.#finish(round);
    this.#options.onEcho(this.#options.clock.monotonic() - round.sentAt);
  }

  /** Stops for good; nothing is called after it. Idempotent. */
  stop(): void {
    this.#stopTicking?.();
    this.#stopTicking = null;
    this.#round?.cancelDeadline();
    this.#round = null;
  }

  #send(): void {
    if (this.#round !== null) return;
    const { clock, timeoutMs, publish } = this.#options;
    const round: Round = {
      nonce: `${this.#prefix}:${this.#sent++}`,
      sentAt: clock.monotonic(),
      echoed: false,
      answered: false,
      spared: false,
      cancelDeadline: clock.after(timeoutMs, () => this.#expire(round)),
    };
    this.#round = round;
    publish(round.nonce).then(
      () => {
        round.answered = true;
        this.#finish(round);
      },
      (error: unknown) => this.#fail(round, error instanceof Error ? error.message : "the probe was refused"),
    );
  }

  #finish(round: Round): void {
    if (this.#round !== round || !round.echoed || !round.answered) return;
    round.cancelDeadline();
    this.#round = null;
  }

  #expire(round: Round): void {
    const { clock, timeoutMs } = this.#options;
    const lateBy = clock.monotonic() - (round.sentAt + timeoutMs);
    if (lateBy > STALL_MS && !round.spared) {
      round.spared = true;
      round.cancelDeadline = clock.after(GRACE_MS, () => this.#expire(round));
      return;
    }
    const missing = round.echoed
      ? "a publish was not answered"
      : "a message of the relay's own did not come back";
    this.#fail(round, `${missing} within ${timeoutMs} ms`);
  }

  #fail(round: Round, reason: string): void {
    if (this.#round !== round) return;
    this.stop();
    this.#options.onSilence(reason);
  }
}
