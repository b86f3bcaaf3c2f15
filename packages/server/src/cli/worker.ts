import { systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { LogOutput } from "../log-output.ts";
import { ownChannel, WorkerLink } from "../supervisor/worker-link.ts";
import { WORKER_COMMAND } from "../supervisor/worker-process.ts";
import { type Command, command } from "./command.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { runRelay } from "./run-relay.ts";
import { version } from "./version.ts";

/** `tidings worker`: one process of `tidings serve` with several. It takes its settings from the process that started it. */
export const workerCommand: Command = command({
  name: WORKER_COMMAND,
  summary: "One of the processes of tidings serve with several workers, which starts it.",
  usage: "",
  examples: [],
  args: {},
  settings: [],
  async run() {
    const channel = ownChannel();
    if (channel === null) {
      throw new UsageError("tidings worker is started by tidings serve; set TIDINGS_WORKERS for several");
    }
    const link = new WorkerLink(channel, systemClock);
    const { worker, settings } = await link.begin().catch((error: Error) => {
      throw new CommandFailure(error.message);
    });
    const output = new LogOutput();
    return runRelay({
      settings,
      logger: createLogger({ level: settings.log_level, destination: output }).child({ worker }),
      droppedLogLines: () => output.dropped,
      version,
      broker: "redis",
      speakFor: link.speakFor,
      onStarted: () => link.listening(),
    });
  },
});
