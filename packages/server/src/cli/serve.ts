import { authSettingsFault } from "../auth/auth-settings.ts";
import { createLogger } from "../log.ts";
import { LogOutput } from "../log-output.ts";
import { workerCount, workersFault } from "../supervisor/worker-count.ts";
import { allSettings, type Command, command } from "./command.ts";
import { SettingsProblems } from "./failure.ts";
import { runRelay } from "./run-relay.ts";
import { runWorkers } from "./run-workers.ts";
import { version } from "./version.ts";

/** `tidings serve`: the relay, for production. */
export const serveCommand: Command = command({
  name: "serve",
  summary: "Run the relay. Needs Redis; drains and exits with 0 on SIGTERM.",
  usage: "[flags]",
  examples: [
    "TIDINGS_JWT_SECRET=… tidings serve --redis-url rediss://user:password@redis.internal:6379",
    "tidings serve --config /etc/tidings.yaml --log-level debug",
  ],
  args: {},
  settings: allSettings,
  async run({ settings: read }) {
    const { settings, warnings } = read();
    const faults = [authSettingsFault(settings), workersFault(settings)].filter((fault) => fault !== null);
    if (faults.length > 0) throw new SettingsProblems(faults);
    const output = new LogOutput();
    const logger = createLogger({ level: settings.log_level, destination: output });
    for (const warning of warnings) logger.warn(warning);
    const count = workerCount(settings);
    if (count > 1) return runWorkers({ count, settings, logger, version });
    return runRelay({ settings, logger, version, broker: "redis", droppedLogLines: () => output.dropped });
  },
});
