/** Stops a timer. Calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Where every part gets its time from, so that a test can own it. All durations are milliseconds. */
export interface Clock {
  /** Wall-clock time in milliseconds since 1970, for stamps and token lifetimes. It may jump. */
  wall(): number;
  /** Monotonic time in milliseconds from an arbitrary start, for measuring. It never goes back. */
  monotonic(): number;
  /** Calls `run` once after `delay` ms. */
  after(delay: number, run: () => void): CancelTimer;
  /** Calls `run` each `period` ms, first after one period. Runs that fall together while the process stalls become one. */
  every(period: number, run: () => void): CancelTimer;
}

/** The machine's own clock and timers. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
  every(period, run) {
    const timer = setInterval(run, period);
    return () => clearInterval(timer);
  },
};

/** A number in [0, 1), as `Math.random` gives it; handed in so that tests own chance. */
export type Random = () => number;
