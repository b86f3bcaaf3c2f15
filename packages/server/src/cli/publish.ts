import { UpdateReader, updateFaults } from "@tidings/protocol";
import { type Command, command } from "./command.ts";
import { CommandFailure, UsageError } from "./failure.ts";
import { openRedisOf } from "./operator-redis.ts";
import { storeUpdate } from "./store-update.ts";

interface Parts {
  readonly user?: string | undefined;
  readonly type?: string | undefined;
  readonly payload?: string | undefined;
  readonly update?: string | undefined;
}

/**
 * `tidings publish`: one update to its user, as a worker would publish it; stored in the log where the relays keep one, else
 * told to those who listen.
 */
export const publishCommand: Command = command({
  name: "publish",
  summary: "Publish one update, as a worker would.",
  usage: "[flags] [<update> | -]",
  examples: [
    `tidings publish --user alice --type agent_update --payload '{"text":"hi"}'`,
    `tidings publish --user '*' --type notice --payload '"We are back."'`,
    `tidings publish '{"target_user_id":"alice","type":"agent_update","payload":{"text":"hi"}}'`,
    "tidings publish - < update.json",
  ],
  args: {
    update: {
      type: "positional",
      required: false,
      valueHint: "update",
      description: "The whole update as JSON, or - to read it from standard input.",
    },
    user: {
      type: "string",
      valueHint: "id",
      description: "The user it is for; '*' is every connected user.",
    },
    type: { type: "string", valueHint: "type", description: "The update's type." },
    payload: {
      type: "string",
      valueHint: "json",
      description: "The payload, any JSON value, sent as written. null unless given.",
    },
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
    const { settings } = loaded;
    const bytes = await updateBytes(args);
    const { max_update_bytes: maxBytes, implicit_broadcast: implicitBroadcast } = settings;
    const reader = new UpdateReader({ maxBytes, implicitBroadcast });
    const fault = reader.read(bytes);
    if (fault !== null) throw new CommandFailure(`not published: ${updateFaults[fault]} (${fault})`);
    using redis = await openRedisOf(loaded);
    // Redis does not know of implicit broadcasts; the relays do.
    const isExplicit = !implicitBroadcast || new UpdateReader({ maxBytes }).read(bytes) === null;
    const stored = isExplicit ? await storeUpdate(redis, reader.target, bytes) : null;
    if (stored !== null) {
      terminal.out(`stored as ${stored.offset}${toldTo(stored.relays)}`);
      return 0;
    }
    const reached = Number(await redis.send("PUBLISH", settings.channel, bytes));
    if (reached === 0) {
      const mend = "is the relay running, on this Redis and this channel?";
      throw new CommandFailure(
        `nobody listens on channel ${settings.channel} at ${redis.shownUrl}: the update is gone; ${mend}`,
      );
    }
    terminal.out(
      `published on channel ${settings.channel} to ${relayCount(reached)} (a tidings tail counts as one)`,
    );
    return 0;
  },
});

function toldTo(relays: number | null): string {
  if (relays === null) return "";
  return relays === 0
    ? "; no relay listens, so it waits for those who resume"
    : ` and told to ${relayCount(relays)}`;
}

function relayCount(count: number): string {
  return `${count} ${count === 1 ? "relay" : "relays"}`;
}

/** The update's bytes, never re-serialised: what the user wrote is what is published. */
async function updateBytes({ user, type, payload, update }: Parts): Promise<Buffer> {
  const parts = user !== undefined || type !== undefined || payload !== undefined;
  if (update !== undefined && parts) {
    throw new UsageError("give either a whole update or --user, --type and --payload");
  }
  if (update === "-") return Buffer.from(await Bun.stdin.arrayBuffer());
  if (update !== undefined) return Buffer.from(update);
  if (user === undefined || type === undefined) {
    throw new UsageError(
      "publish needs --user and --type, a whole update, or - to read it from standard input",
    );
  }
  const written = payload ?? "null";
  // Checked by itself: `1,"target_user_id":"bob"` would be valid JSON once it stands in the update.
  if (!isJson(written))
    throw new UsageError(`--payload is not JSON; a text needs its quotes: --payload '"hi"'`);
  return Buffer.from(
    `{"target_user_id":${JSON.stringify(user)},"type":${JSON.stringify(type)},"payload":${written}}`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
