import { systemClock } from "../clock.ts";
import { faultText, type Logger } from "../log.ts";

/** What a shell expects of a process that Ctrl-C ended: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

/**
 * One Ctrl-C under npm arrives twice: the terminal signals the whole group, and npm passes its own copy on.
 */
const SAME_KEY_MS = 300;

/**
 * Ends the process with status 1 and one line on a fault that nobody caught: what state it left behind is unknown, and a
 * fresh process is known to work.
 */
export function endOnUnknownFault(logger: Logger): void {
  const crash = (error: unknown): never => {
    logger.fatal({ error: faultText(error) }, "a fault that nobody expected; leaving");
    process.exit(1);
  };
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
}

/**
 * Resolves with the signal that asks this process to leave. A second SIGINT ends it at once, after `onHurry`.
 */
export function stopSignal(onHurry: () => void = () => {}): Promise<NodeJS.Signals> {
  const stop = Promise.withResolvers<NodeJS.Signals>();
  let interruptedAt: number | null = null;
  process.on("SIGTERM", () => stop.resolve("SIGTERM"));
  // The parent that started this one with a channel (npm start, a supervisor) died without a word.
  process.on("disconnect", () => stop.resolve("SIGTERM"));
  process.on("SIGINT", () => {
    const now = systemClock.monotonic();
    if (interruptedAt !== null && now - interruptedAt > SAME_KEY_MS) {
      onHurry();
      process.exit(INTERRUPTED);
    }
    interruptedAt ??= now;
    stop.resolve("SIGINT");
  });
  return stop.promise;
}
