/** When a page is drawn, and what time it is. */
export interface Frames {
  /** Milliseconds from an arbitrary start. */
  now(): number;
  /** Calls `run` once before the page is drawn the next time, or soon where it is not drawn. Returns what stops that. */
  next(run: () => void): () => void;
}

/** The globals that are used, each of which may be missing outside a page. */
interface Globals {
  readonly requestAnimationFrame?: (run: () => void) => number;
  readonly cancelAnimationFrame?: (frame: number) => void;
  readonly document?: { readonly visibilityState: string };
}

/** How long to wait where nothing is drawn, in milliseconds. */
const HIDDEN_MS = 16;

/** How long a frame may stay out before the page is taken for hidden, in milliseconds. */
const LATE_MS = 100;

/** The frames of the page, or a timer's where there is none. Touches nothing before it is used. */
export const pageFrames: Frames = {
  now: () => performance.now(),
  next(run) {
    const globals = globalThis as unknown as Globals;
    const isHidden = globals.document?.visibilityState === "hidden";
    const frame = isHidden ? undefined : globals.requestAnimationFrame?.(() => end());
    const timer = setTimeout(() => end(), frame === undefined ? HIDDEN_MS : LATE_MS);
    const stop = (): void => {
      if (frame !== undefined) globals.cancelAnimationFrame?.(frame);
      clearTimeout(timer);
    };
    const end = (): void => {
      stop();
      run();
    };
    return stop;
  },
};
