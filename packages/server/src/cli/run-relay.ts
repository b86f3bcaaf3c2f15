import { systemClock } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import { type Relay, type RelayOptions, startRelay } from "../relay.ts";
import { CommandFailure, SettingsProblems } from "./failure.ts";
import { endOnUnknownFault, stopSignal } from "./signals.ts";
import { warnOfStorage } from "./storage-warnings.ts";

/** A relay to run until a signal ends it. */
export interface RelayRun extends Omit<RelayOptions, "settings" | "logger"> {
  readonly settings: Settings;
  readonly logger: Logger;
  /** Called once when the relay listens. */
  readonly onStarted?: (relay: Relay) => void;
}

/** How much longer than its deadline a drain may take before the process leaves without it. */
const GRACE_MS = 1_000;

/**
 * Starts a relay and stays until SIGTERM or SIGINT has drained it; resolves with the exit status. A second
 * SIGINT leaves at once. A fault that nobody caught ends the process with status 1 and one line.
 * @throws {CommandFailure} where the relay cannot start, {SettingsProblems} where its settings cannot be.
 */
export async function runRelay({ onStarted, ...options }: RelayRun): Promise<number> {
  const { logger, settings } = options;
  endOnUnknownFault(logger);
  const stop = stopSignal();
  const relay = started(options);
  const { port, internalPort: internal_port, embeddedPort: embedded_port } = relay;
  logger.info(
    { version: options.version, host: settings.host, port, internal_port, embedded_port },
    "listening",
  );
  onStarted?.(relay);
  if (settings.history && embedded_port === null) void warnOfStorage(settings, logger);
  const signal = await stop;
  logger.info({ signal }, "draining");
  const late = systemClock.after(settings.drain_deadline + GRACE_MS, () => {
    logger.warn("the drain did not end by its deadline; leaving");
    process.exit(0);
  });
  await relay.drain();
  late();
  logger.info("drained");
  return 0;
}

function started(options: RelayOptions): Relay {
  try {
    return startRelay(options);
  } catch (error) {
    if (error instanceof TypeError) throw new SettingsProblems([error.message]);
    throw new CommandFailure(`${error instanceof Error ? error.message : String(error)}; see tidings doctor`);
  }
}
