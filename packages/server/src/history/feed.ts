import { formatOffset } from "@tidings/protocol";
import type { LogPosition } from "../broker/update-log.ts";

/** How much is known of where a log stands: nothing, an upper bound, or exactly what has been delivered here. */
type Certainty = "unknown" | "bound" | "exact";

/** What became of one numbered update that a feed was shown. */
export type FeedStep =
  /** It is the next one: to be delivered. */
  | "next"
  /** It was delivered already. */
  | "old"
  /** Updates before it were not seen. */
  | "hole"
  /** It is of another epoch, older or newer: only the log knows. The feed has not moved. */
  | "other_epoch";

/** How far one log has been delivered on this relay: the live end that clients are at, or catch up with. */
export class Feed {
  /** The user's id, or `"*"` for broadcasts. */
  readonly target: string;
  /** Connections and handshakes that need the feed; it is dropped with the last. */
  holders = 0;
  /** Whether it is being compared with its log. */
  isCompared = false;
  /** Whether something happened meanwhile that asks for another comparison. */
  isComparedAgain = false;
  #epoch = "";
  #n = 0;
  #certainty: Certainty = "unknown";

  constructor(target: string) {
    this.target = target;
  }

  /** Where the feed stands, or null where that is not known. */
  get position(): LogPosition | null {
    return this.#certainty === "exact" ? { epoch: this.#epoch, n: this.#n } : null;
  }

  /** That place as clients know it, or null. */
  get offset(): string | null {
    return this.#certainty === "exact" ? formatOffset(this.target, this.#epoch, this.#n) : null;
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** The number of the newest update that was delivered, or that clients are catching up with. */
  get n(): number {
    return this.#n;
  }

  /** The place up to which nothing more is to be told, exact or not; null where nothing is known. */
  get place(): LogPosition | null {
    return this.#certainty === "unknown" ? null : { epoch: this.#epoch, n: this.#n };
  }

  /**
   * Whether a client at this place has everything up to the live end. Where that is not known exactly there is nothing to
   * reach.
   */
  isReachedBy({ epoch, n }: LogPosition): boolean {
    return this.#certainty !== "exact" || (epoch === this.#epoch && n >= this.#n);
  }

  /** Whether what the log was seen to hold is delivered, or on its way to those who catch up. */
  isAt({ epoch, n }: LogPosition): boolean {
    return this.#certainty === "exact" && epoch === this.#epoch && n <= this.#n;
  }

  /**
   * Judges the update with the number `n` by its place, and moves there where it is new. Its epoch is read only where none
   * is known.
   */
  step(isSameEpoch: boolean, update: { readonly epoch: string }, n: number): FeedStep {
    if (this.#certainty === "unknown") return this.#move(update.epoch, n, "next");
    if (!isSameEpoch) return "other_epoch";
    // Nothing was delivered yet, so an update at or below the bound is one that was on its way when the log was asked.
    if (this.#certainty === "bound" && n <= this.#n) return this.#move(this.#epoch, n, "next");
    if (n <= this.#n) return "old";
    return this.#move(this.#epoch, n, n === this.#n + 1 ? "next" : "hole");
  }

  /** Takes the place where the log stands, known before anyone listens, as delivered. */
  anchor(position: LogPosition): void {
    if (this.#certainty === "unknown") this.#move(position.epoch, position.n, "old");
  }

  /** Takes the place where the log stands as an upper bound, for clients that came while it could not be asked. */
  bound(position: LogPosition): void {
    if (this.#certainty !== "unknown") return;
    this.#move(position.epoch, position.n, "old");
    this.#certainty = "bound";
  }

  /** Moves the live end to where the log was seen to stand: clients have to catch up with it. */
  jump(position: LogPosition): void {
    this.#move(position.epoch, position.n, "hole");
  }

  #move(epoch: string, n: number, step: FeedStep): FeedStep {
    this.#epoch = epoch;
    this.#n = n;
    this.#certainty = "exact";
    return step;
  }
}
