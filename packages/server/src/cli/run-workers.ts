import { systemClock } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import type { Logger } from "../log.ts";
import { type SharedPort, takeSharedPort } from "../supervisor/shared-port.ts";
import { Supervisor } from "../supervisor/supervisor.ts";
import { spawnWorker } from "../supervisor/worker-process.ts";
import { CommandFailure } from "./failure.ts";
import { endOnUnknownFault, stopSignal } from "./signals.ts";

/** A relay of several processes, to run until a signal ends it. */
export interface WorkersRun {
  readonly count: number;
  readonly settings: Settings;
  readonly logger: Logger;
  readonly version: string;
}

/** How much longer than a worker's own deadline a drain may take before what is left is killed. */
const GRACE_MS = 2_000;

/**
 * Starts the workers of a relay and stays until SIGTERM or SIGINT has drained them all; resolves with the exit status: 0,
 * or 1 where a worker died in a loop, or that of a worker which could not start. A second SIGINT kills them and leaves.
 * @throws {CommandFailure} where a port is taken.
 */
export async function runWorkers({ count, settings, logger, version }: WorkersRun): Promise<number> {
  endOnUnknownFault(logger);
  const { host, internal_port: internalPort } = settings;
  using port = taken(host, settings.port);
  using inner = internalPort === undefined ? null : taken(host, internalPort);
  const supervisor = new Supervisor({
    count,
    settings: { ...settings, port: port.port, internal_port: inner?.port },
    spawn: spawnWorker,
    clock: systemClock,
    random: Math.random,
    logger,
  });
  const signalled = stopSignal(() => void supervisor.leave("SIGKILL"));
  const hopeless = supervisor.hopeless.then(() => null);

  const status = await Promise.race([supervisor.start(), signalled]);
  if (typeof status === "number") {
    logger.fatal({ status }, "a worker process could not start; leaving");
    await supervisor.leave("SIGKILL");
    return status;
  }
  if (status === null) {
    const fields = { version, host, port: port.port, internal_port: inner?.port ?? null, workers: count };
    logger.info(fields, "all worker processes listen");
  }
  const signal = await Promise.race([signalled, hopeless]);
  logger.info({ signal }, "draining all worker processes");
  const cancel = systemClock.after(settings.drain_deadline + GRACE_MS, () => {
    logger.warn("a worker process did not end by the drain's deadline; killing it");
    void supervisor.leave("SIGKILL");
  });
  await supervisor.leave("SIGTERM");
  cancel();
  logger.info("all worker processes ended");
  return signal === null ? 1 : 0;
}

function taken(host: string, port: number): SharedPort {
  try {
    return takeSharedPort(host, port);
  } catch (error) {
    throw new CommandFailure(`${error instanceof Error ? error.message : String(error)}; see tidings doctor`);
  }
}
