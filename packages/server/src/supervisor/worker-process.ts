import type { FromWorker, ToWorker } from "./messages.ts";

/** How a process ended. */
export interface ProcessEnd {
  /** The exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly signal: string | null;
}

/** A worker's process, as its supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number;
  /** Does nothing where the process is gone. */
  send(message: ToWorker): void;
  kill(signal: NodeJS.Signals): void;
}

/** What a supervisor is told of a process. */
export interface ProcessEvents {
  readonly onMessage: (message: FromWorker) => void;
  readonly onEnd: (end: ProcessEnd) => void;
}

/** Starts the process of a worker; handed in, so that tests own its faults. */
export type SpawnWorker = (events: ProcessEvents) => WorkerProcess;

/** The command that `tidings serve` gives its workers; it is not for people. */
export const WORKER_COMMAND = "worker";

/** The executable that runs, also where another one was put in its place meanwhile: a relay has workers of one version. */
const OWN_EXECUTABLE = "/proc/self/exe";

/**
 * Starts this program again as a worker, with a channel to it. It writes its log where this process does. Linux only, as
 * sharing a port is.
 */
export const spawnWorker: SpawnWorker = ({ onMessage, onEnd }) => {
  // The compiled executable is the program; from source, Bun is told its file once more.
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  const program = isCompiled ? [] : [...process.execArgv, Bun.main];
  const child = Bun.spawn([OWN_EXECUTABLE, ...program, WORKER_COMMAND], {
    argv0: process.execPath,
    stdio: ["ignore", "inherit", "inherit"],
    serialization: "json",
    ipc: (message) => onMessage(message as FromWorker),
    onExit: ({ signalCode }, status) => onEnd({ status, signal: signalCode?.toString() ?? null }),
  });
  return {
    pid: child.pid,
    send(message) {
      try {
        child.send(message);
      } catch {
        // It died, and onEnd tells so.
      }
    },
    kill: (signal) => child.kill(signal),
  };
};
