import { textOf } from "../channel-name.ts";
import { array, integer, NULL } from "../resp-writer.ts";
import { family, type CommandSpec, type ServerView } from "./command.ts";
import { COMPATIBLE_REDIS_VERSION } from "./version.ts";

const commandFamily = family("command", [
  { name: "count", min: 0, max: 0, run: ({ server }) => integer(server.commandCount) },
  { name: "docs", min: 0, max: Number.POSITIVE_INFINITY, run: () => ({ type: "map", entries: [] }) },
  { name: "info", min: 0, max: Number.POSITIVE_INFINITY, run: (_, names) => array(names.map(() => NULL)) },
]);

/** COMMAND and INFO: what clients ask before they trust a server. */
export const serverCommands: readonly CommandSpec[] = [
  {
    ...commandFamily,
    min: 0,
    run: (context, words) => (words.length === 0 ? array([]) : commandFamily.run(context, words)),
  },
  {
    name: "info",
    min: 0,
    max: Number.POSITIVE_INFINITY,
    run: ({ server }, sections) => ({ type: "verbatim", text: info(server, sections.map(textOf)) }),
  },
];

const ALL_SECTIONS: ReadonlySet<string> = new Set(["default", "all", "everything"]);

/**
 * The sections asked for, all of them when none is named. `loading:0` is what clients wait for before they
 * begin.
 */
function info(server: ServerView, wanted: readonly string[]): string {
  const names = wanted.map((name) => name.toLowerCase());
  const all = names.length === 0 || names.some((name) => ALL_SECTIONS.has(name));
  return Object.entries(sections(server))
    .filter(([name]) => all || names.includes(name))
    .map(([name, fields]) => {
      const title = `# ${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      return [title, ...Object.entries(fields).map(([field, value]) => `${field}:${value}`), ""].join("\r\n");
    })
    .join("\r\n");
}

function sections(server: ServerView): Record<string, Record<string, string | number>> {
  return {
    server: {
      redis_version: COMPATIBLE_REDIS_VERSION,
      redis_mode: "standalone",
      server_name: "tidings embedded broker (for development)",
      process_id: process.pid,
      tcp_port: server.port,
      uptime_in_seconds: Math.floor((server.clock.monotonic() - server.startedAt) / 1_000),
    },
    clients: { connected_clients: Array.from(server.sessions).length },
    persistence: { loading: 0 },
    stats: {
      pubsub_channels: server.channels.channelNames().length,
      pubsub_patterns: server.channels.patternCount,
    },
    replication: { role: "master", connected_slaves: 0 },
  };
}
