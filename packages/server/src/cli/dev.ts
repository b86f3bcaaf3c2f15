import { authSettingsFault } from "../auth/auth-settings.ts";
import { developmentPreset } from "../config/development.ts";
import type { Sources } from "../config/sources.ts";
import type { Settings } from "../config/schema.ts";
import { createLogger } from "../log.ts";
import { playgroundPage } from "../playground/page.ts";
import type { Relay } from "../relay.ts";
import { allSettings, type Command, command } from "./command.ts";
import { SettingsProblems } from "./failure.ts";
import { runRelay } from "./run-relay.ts";
import type { Terminal } from "./terminal.ts";
import { version } from "./version.ts";

/** `tidings dev`: the relay with its embedded broker and the playground. */
export const devCommand: Command = command({
  name: "dev",
  summary: "Run the relay for development: embedded broker, playground, no tokens. Needs nothing else.",
  usage: "[flags]",
  examples: [
    "tidings dev",
    "tidings dev --port 3001 --embedded-port 0",
    "tidings dev --redis-url redis://127.0.0.1:6379",
  ],
  args: {},
  settings: allSettings,
  async run({ settings: read, terminal }) {
    const { settings, sources, warnings } = read(developmentPreset);
    const fault = authSettingsFault(settings);
    if (fault !== null) throw new SettingsProblems([fault]);
    if (settings.workers !== "auto" && settings.workers > 1) {
      throw new SettingsProblems([
        `workers (${settings.workers}): tidings dev is one process; use tidings serve`,
      ]);
    }
    const form = terminal.isTerminal ? "human" : "json";
    const colours = terminal.red("") !== "";
    const logger = createLogger({ level: settings.log_level, form, colours });
    // That anyone can be anyone is what development asks for; the banner says so.
    if (sources.insecure_user_id.from !== "preset") for (const warning of warnings) logger.warn(warning);
    return runRelay({
      settings,
      logger,
      version,
      broker: usesRedis(sources) ? "redis" : "embedded",
      pages: (embeddedPort) => ({
        "/": playgroundPage,
        "/playground.json": () => Response.json({ embeddedPort, channel: settings.channel }),
      }),
      onStarted: (relay) => announce(relay, settings, terminal),
    });
  },
});

function usesRedis(sources: Sources): boolean {
  return sources.redis_url.from !== "default" && sources.redis_url.from !== "preset";
}

/** An address that a browser on this machine can open, also where the relay listens on every interface. */
function pageUrl(host: string, port: number): string {
  const reachable = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}/`;
}

/** An update for the user that the playground begins as. */
const update = `{"target_user_id":"demo","type":"note","payload":{"text":"Hello"}}`;

/**
 * What to try, for the person; handed to `npm start` instead where that started this process, to show it
 * last.
 */
function announce(relay: Relay, settings: Settings, terminal: Terminal): void {
  const { bold, dim } = terminal;
  const port = relay.embeddedPort;
  const url = pageUrl(settings.host, relay.port);
  const where = port === null ? "" : `--redis-url redis://127.0.0.1:${port} `;
  const publish = `npm run -s tidings -- publish ${where}--user demo --type note`;
  const redisCli = port === null ? 'redis-cli -u "$TIDINGS_REDIS_URL"' : `redis-cli -p ${port}`;
  const lines = [
    "",
    `${bold("Playground")}  ${url}`,
    `${bold("Publish")}     ${publish} --payload '{"text":"Hello"}'`,
    `${bold("or")}          ${redisCli} publish ${settings.channel} '${update}'`,
    "",
    dim("For development: anyone who reaches it can be anyone, and the embedded broker is no Redis."),
    "",
  ];
  if (process.send === undefined) for (const line of lines) terminal.out(line);
  else process.send({ ...startMessage(relay, settings, url), lines } satisfies DevStarted);
}

/** What `npm start` (scripts/start.mjs) is told once the relay listens. */
interface DevStarted {
  readonly readyUrl: string;
  readonly redisUrl: string;
  readonly lines: readonly string[];
}

function startMessage(relay: Relay, settings: Settings, url: string): Omit<DevStarted, "lines"> {
  const readyPort = relay.internalPort ?? relay.port;
  return {
    readyUrl: new URL("/readyz", url.replace(`:${relay.port}/`, `:${readyPort}/`)).href,
    redisUrl: relay.embeddedPort === null ? settings.redis_url : `redis://127.0.0.1:${relay.embeddedPort}`,
  };
}
