import type { GapEvent, StandingEvent, UpdateEvent, Violation } from "./evidence.ts";
import { type Offset, parseOffset } from "./offset.ts";

/** A stretch of a log of which an application was told that something is missing. */
export interface Told {
  readonly at: number;
  readonly from: Offset | null;
  /** The last update that may be missing; null while nobody knows. */
  to: Offset | null;
}

/** A place in a log, and when the application got there. */
interface Place {
  readonly offset: Offset;
  readonly at: number;
}

/**
 * Follows one application through one log: the user's own or the broadcasts. It knows where the application stands, so
 * that a step over an update that nobody announced is seen.
 */
export class LogWalk {
  /** Where the application first stood: from here on nothing may be missing. */
  start: Place | null = null;
  readonly told: Told[] = [];
  readonly violations: Violation[] = [];
  readonly #name: string;
  readonly #epochs = new Set<string>();
  #position: Offset | null = null;
  /** Open after a notice until the next update shows where the log goes on. */
  #notice: Told | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  /** Takes a welcome or an answer to a resume; `stands` and `asked` are this log's part of its offsets. */
  standing(event: StandingEvent, stands: Offset | null, asked: Offset | null): void {
    if (event.recovered === false && this.#position !== null) {
      this.#tell(event.at, stands);
      return;
    }
    if (stands === null) return;
    if (this.start === null) {
      const isLost = event.recovered === false;
      this.#position = isLost ? (asked ?? stands) : stands;
      this.start = { offset: stands, at: event.at };
      if (isLost) this.#tell(event.at, stands);
      this.#enter(stands.epoch);
      return;
    }
    // After a notice of a hole the application stands where the notice said.
    const position = this.#notice?.to ?? this.#position;
    if (event.recovered !== true || position === null || asked === null) return;
    if (stands.epoch !== position.epoch || stands.n !== position.n) {
      const claim = `recovered from ${show(stands)}, but the client stands at ${show(position)}`;
      this.#fault("I4", "false_recovery", claim);
    }
  }

  /** Takes a gap of this log; one by a producer's counter leaves the position alone. */
  gap(event: GapEvent): void {
    if (event.reason === "seq") return;
    const after = event.after === null ? null : parseOffset(event.after);
    const position = this.#position;
    if (after !== null && position !== null && after.epoch === position.epoch && after.n > position.n) {
      this.#fault(
        "I4",
        "hole",
        `a gap begins at ${show(after)} where the client stands at ${show(position)}`,
      );
    }
    const next = event.next === null ? null : parseOffset(event.next);
    this.#tell(event.at, next === null ? null : { ...next, n: next.n - 1 });
  }

  /** Takes an update of this log. */
  update(event: UpdateEvent, offset: Offset): void {
    const position = this.#position;
    const notice = this.#notice;
    this.#position = offset;
    this.#notice = null;
    this.start ??= { offset: { ...offset, n: offset.n - 1 }, at: event.at };
    const isOld = position !== null && offset.epoch === position.epoch && offset.n <= position.n;
    if (isOld && (notice?.to ?? null) === null) {
      this.#fault("I3", "order", `${show(offset)} after ${show(position)}`);
      this.#position = position;
      return;
    }
    if (notice !== null) this.#goOn(notice, offset);
    else if (position !== null) this.#step(position, offset);
    this.#enter(offset.epoch);
  }

  #step(position: Offset, offset: Offset): void {
    if (offset.epoch !== position.epoch) {
      this.#fault("I4", "epoch_unannounced", `${show(offset)} after ${show(position)}`);
    } else if (offset.n > position.n + 1) {
      this.#fault("I4", "hole", `${show(offset)} after ${show(position)}`);
    }
  }

  /** The first update after a notice is the one that the notice announced. */
  #goOn(notice: Told, offset: Offset): void {
    const { to } = notice;
    if (to === null) {
      notice.to = { ...offset, n: offset.n - 1 };
    } else if (to.epoch !== offset.epoch) {
      this.#fault("I4", "epoch_unannounced", `${show(offset)} where ${show(to)} was announced`);
    } else if (offset.n !== to.n + 1) {
      this.#fault("I4", "hole", `${show(offset)} where what follows ${show(to)} was announced`);
    }
  }

  #tell(at: number, to: Offset | null): void {
    const notice: Told = { at, from: this.#position, to };
    this.told.push(notice);
    this.#notice = notice;
  }

  /** An epoch that was left never comes back. */
  #enter(epoch: string): void {
    const latest = [...this.#epochs].at(-1);
    if (latest !== undefined && latest !== epoch && this.#epochs.has(epoch)) {
      this.#fault("I3", "epoch_returned", `epoch ${epoch} came back after ${latest}`);
    }
    this.#epochs.delete(epoch);
    this.#epochs.add(epoch);
  }

  #fault(invariant: Violation["invariant"], kind: string, detail: string): void {
    this.violations.push({ invariant, kind, detail: `${this.#name}: ${detail}` });
  }
}

/** Whether a notice says that this update may be missing. */
export function covers(told: Told, offset: Offset, sentAt: number): boolean {
  const { from, to } = told;
  if (to !== null && offset.epoch === to.epoch && offset.n > to.n) return false;
  if (from !== null && offset.epoch === from.epoch) return offset.n > from.n;
  return to !== null && offset.epoch === to.epoch ? true : sentAt < told.at;
}

function show({ isBroadcast, epoch, n }: Offset): string {
  return `${isBroadcast ? "*" : ""}${epoch}.${n}`;
}
