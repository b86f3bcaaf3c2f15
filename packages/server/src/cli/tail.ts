import { formatOffset, UpdateReader, updateFaults } from "@tidings/protocol";
import { describeFault } from "../broker/redis-fault.ts";
import { LogNoticeReader } from "../broker/log-notice.ts";
import { LOG_CHANNEL } from "../broker/update-log.ts";
import { capped } from "../log.ts";
import { type Command, command } from "./command.ts";
import { CommandFailure } from "./failure.ts";
import { openRedisOf } from "./operator-redis.ts";
import type { Terminal } from "./terminal.ts";

/** Longest update that a human line shows, in UTF-16 units. */
const SHOWN = 400;

/** `tidings tail`: the updates as they pass. */
export const tailCommand: Command = command({
  name: "tail",
  summary: "Show updates as they pass on the channel, and as they are stored, until Ctrl-C.",
  usage: "[flags]",
  examples: ["tidings tail", "tidings tail --user alice", "tidings tail --json | jq .update.type"],
  args: {
    user: { type: "string", valueHint: "id", description: "Only updates that this user gets." },
    json: { type: "boolean", description: "A JSON object a line instead of text." },
  },
  settings: [
    "redis_url",
    "redis_sentinels",
    "redis_sentinel_name",
    "channel",
    "embedded_port",
    "max_update_bytes",
    "implicit_broadcast",
  ],
  async run({ args, settings: read, terminal }) {
    const loaded = read();
    const { channel, max_update_bytes: maxBytes, implicit_broadcast: implicitBroadcast } = loaded.settings;
    const stop = Promise.withResolvers<null>();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.resolve(null));
    using redis = await openRedisOf(loaded);
    const reader = new UpdateReader({ maxBytes, implicitBroadcast });
    const print = args.json === true ? jsonLine : humanLine;
    await redis.subscribe(channel, (message) => {
      const fault = reader.read(message);
      const target = fault === null ? reader.target : null;
      if (args.user !== undefined && target !== args.user && target !== "*") return;
      print({ at: new Date(), target, offset: null, text: message.toString(), fault }, terminal);
    });
    const notice = new LogNoticeReader();
    const stored = redis.subscribe(LOG_CHANNEL, (message) => {
      if (!notice.read(message)) return;
      const { target, epoch, n, frameStart } = notice;
      if (args.user !== undefined && target !== args.user && target !== "*") return;
      const text = message.toString("utf8", frameStart);
      print({ at: new Date(), target, offset: formatOffset(target, epoch, n), text, fault: null }, terminal);
    });
    await stored.catch((error: unknown) =>
      terminal.err(terminal.dim(`what is stored is not shown: ${describeFault(error)}`)),
    );
    terminal.err(
      terminal.dim(
        `listening on channel ${channel} and for what is stored, at ${redis.shownUrl}; Ctrl-C ends`,
      ),
    );
    const reason = await Promise.race([stop.promise, redis.lost]);
    if (reason !== null) throw new CommandFailure(`${redis.shownUrl}: ${reason}`);
    return 0;
  },
});

interface Seen {
  readonly at: Date;
  /** Whom it is for; null where it is malformed. */
  readonly target: string | null;
  /** Its place in the log; null for what was published and is not stored, or not yet. */
  readonly offset: string | null;
  readonly text: string;
  readonly fault: keyof typeof updateFaults | null;
}

/** Lines are written at once and block, so a slow reader holds this process and nothing piles up in it. */
function humanLine({ at, target, offset, text, fault }: Seen, terminal: Terminal): void {
  const time = terminal.dim(at.toTimeString().slice(0, 8));
  const whom = target === null ? terminal.red("malformed") : terminal.bold(capped(target, 64));
  const place = offset === null ? "" : terminal.dim(` ${offset}`);
  const why = fault === null ? "" : terminal.red(` (${updateFaults[fault]})`);
  terminal.out(`${time} ${whom}${place} ${capped(text, SHOWN)}${why}`);
}

/**
 * The update stands in its line as published where it is JSON on one line; `JSON.parse` would change its
 * numbers.
 */
function jsonLine({ at, target, offset, text, fault }: Seen, terminal: Terminal): void {
  const place = offset === null ? "" : `,"offset":${JSON.stringify(offset)}`;
  const head = `"at":${JSON.stringify(at.toISOString())},"target":${JSON.stringify(target)}${place}`;
  // In JSON a line break can only stand between tokens, where a space says the same.
  if (fault === null) terminal.out(`{${head},"update":${text.replace(/[\r\n]+/g, " ")}}`);
  else terminal.out(`{${head},"fault":"${fault}","text":${JSON.stringify(capped(text, SHOWN))}}`);
}
