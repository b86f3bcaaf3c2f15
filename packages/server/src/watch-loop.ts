import type { Logger } from "pino";
import type { CancelTimer, Clock } from "./clock.ts";
import type { LogSampler } from "./log-sampler.ts";
import { watchLoopDelay } from "./loop-delay.ts";
import type { Metrics } from "./metrics.ts";
import { InputWatch, type Sender } from "./websocket/input-watch.ts";
import { tablesOf, UnreadLook } from "./websocket/unread-input.ts";

/** What watching the event loop takes. */
export interface WatchLoopOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly sampler: LogSampler;
  readonly clients: () => Iterable<Sender>;
  /** The host and the port that clients connect to. */
  readonly host: string;
  readonly port: () => number;
  /** Largest message that a client may send. */
  readonly maxMessageBytes: number;
}

/** An event loop that is this late has kept every client waiting: worth a line. */
const STALL_MS = 1_000;

/** No client may have more unread than this without being looked at, however large its messages may be. */
const MOST_UNREAD_BYTES = 1_048_576;

/** Watches the event loop: measures its delays, logs long ones, and closes clients whose input causes them. */
export function watchLoop(options: WatchLoopOptions): CancelTimer {
  const { clock, metrics, logger, sampler, clients, host, port, maxMessageBytes } = options;
  const tables = tablesOf(host);
  const overBytes = Math.min(maxMessageBytes, MOST_UNREAD_BYTES);
  const watch = new InputWatch({
    clock,
    clients,
    beginLook: () => new UnreadLook(tables, port(), overBytes),
    onClosed: (closed) =>
      sampler.note("flood", (more) =>
        logger.warn({ clients: closed, more }, "clients that sent more than could be read were closed"),
      ),
  });
  const stop = watchLoopDelay(clock, (delayMs) => {
    metrics.loopDelay(delayMs);
    if (delayMs >= STALL_MS) logger.warn({ delay_ms: Math.round(delayMs) }, "the process stood still");
    watch.observe(delayMs);
  });
  return () => {
    stop();
    watch.forget();
  };
}
