import type { CancelTimer, Clock } from "../../packages/server/src/clock.ts";

interface Timer {
  due: number;
  readonly period: number | null;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it, and then fires what is due, in order. */
export class ManualClock implements Clock {
  readonly #timers = new Set<Timer>();
  #wall: number;
  #monotonic = 0;

  /** Begins at `wall`, in milliseconds since 1970. */
  constructor(wall = 1_795_305_600_000) {
    this.#wall = wall;
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  wall(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delay: number, run: () => void): CancelTimer {
    return this.#add({ due: this.#monotonic + delay, period: null, run });
  }

  every(period: number, run: () => void): CancelTimer {
    return this.#add({ due: this.#monotonic + period, period, run });
  }

  /** Lets `duration` milliseconds pass. */
  advance(duration: number): void {
    const end = this.#monotonic + duration;
    for (let next = this.#next(end); next !== null; next = this.#next(end)) {
      this.#moveTo(Math.max(this.#monotonic, next.due));
      this.#fire(next);
    }
    this.#moveTo(end);
  }

  /** Lets `duration` milliseconds pass as in a process that stalls: what came due meanwhile fires late, and once. */
  stall(duration: number): void {
    this.#moveTo(this.#monotonic + duration);
    for (const timer of this.#timers) if (timer.due <= this.#monotonic) this.#fire(timer);
  }

  /** Sets the wall clock forward or, with a negative duration, back; no timer notices. */
  jumpWall(duration: number): void {
    this.#wall += duration;
  }

  #add(timer: Timer): CancelTimer {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  #fire(timer: Timer): void {
    if (timer.period === null) this.#timers.delete(timer);
    else timer.due = this.#monotonic + timer.period;
    timer.run();
  }

  #next(end: number): Timer | null {
    let earliest: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.due <= end && (earliest === null || timer.due < earliest.due)) earliest = timer;
    }
    return earliest;
  }

  #moveTo(time: number): void {
    this.#wall += time - this.#monotonic;
    this.#monotonic = time;
  }
}
