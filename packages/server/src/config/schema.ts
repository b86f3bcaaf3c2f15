import { z } from "zod";
import { address, cidrList, originList, redisUrl, redisUrlList, webUrl } from "./addresses.ts";
import { bytes, duration } from "./quantities.ts";
import { choice, count, countOrAuto, flag, port, secret, text } from "./units.ts";

/**
 * The effective settings: durations in milliseconds, sizes in bytes. What each means stands in its type
 * below.
 */
export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly internal_port?: number | undefined;
  readonly redis_url: string;
  readonly redis_sentinels: readonly string[];
  readonly redis_sentinel_name: string;
  readonly channel: string;
  readonly inbound: boolean;
  readonly inbound_channel: string;
  readonly probe_interval: number;
  readonly redis_timeout: number;
  readonly coalesce_window: number;
  readonly embedded_port: number;
  readonly max_update_bytes: number;
  readonly implicit_broadcast: boolean;
  readonly history: boolean;
  readonly history_size: number;
  readonly history_bytes: number;
  readonly history_ttl: number;
  readonly resume_limit: number;
  readonly max_message_bytes: number;
  readonly message_rate: number;
  readonly message_burst: number;
  readonly client_buffer_bytes: number;
  readonly total_buffer_bytes: number;
  readonly max_connections: number;
  readonly max_connections_per_user: number;
  readonly user_limit_policy: "newest" | "oldest";
  readonly max_connections_per_address: number;
  readonly heartbeat_interval: number;
  readonly heartbeat_timeout: number;
  readonly jwt_secret?: string | undefined;
  readonly jwt_public_key?: string | undefined;
  readonly jwks_url?: string | undefined;
  readonly jwt_audience?: string | undefined;
  readonly jwt_issuer?: string | undefined;
  readonly token_cookie?: string | undefined;
  readonly query_token: boolean;
  readonly insecure_user_id: boolean;
  readonly revocation_ttl: number;
  readonly allowed_origins: readonly string[];
  readonly trusted_proxies: readonly string[];
  readonly api_key?: string | undefined;
  readonly workers: number | "auto";
  readonly drain_window: number;
  readonly drain_deadline: number;
  readonly log_level: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
}

/** A setting's key, as in the file. */
export type SettingName = keyof Settings;

/**
 * Types of the settings of one group; a name that {@link Settings} does not know is an error of the compiler.
 */
type Group = Partial<Record<SettingName, z.ZodType>>;

const listening = {
  host: address()
    .default("0.0.0.0")
    .describe("Address to listen on. `tidings dev` listens on 127.0.0.1 unless told otherwise."),
  port: port()
    .default(8080)
    .describe("Port for `/ws` and, without an internal port, for everything else. 0 takes a free one."),
  internal_port: port().optional().describe("Second port that takes everything but `/ws` and `/healthz`."),
} satisfies Group;

const redis = {
  redis_url: redisUrl()
    .default("redis://127.0.0.1:6379")
    .describe(
      "Redis to subscribe to: `redis://` or `rediss://`, with user and password where needed. " +
        "`tidings dev` uses its embedded broker unless this is set.",
    ),
  redis_sentinels: redisUrlList()
    .default([])
    .describe(
      "Sentinels to ask where Redis is before each connection. Host and port of `TIDINGS_REDIS_URL` are then not " +
        "used; its user, password, database and `rediss://` are.",
    ),
  redis_sentinel_name: text(256).default("mymaster").describe("What the Sentinels call the primary."),
  channel: text(256).default("updates").describe("Redis channel on which workers publish updates."),
  inbound: flag()
    .default(true)
    .describe("Whether messages from clients are taken and published for workers."),
  inbound_channel: text(256)
    .default("inbound")
    .describe("Redis channel on which messages from clients are published."),
  probe_interval: duration({ min: "100ms", max: "60s" })
    .default(1_000)
    .describe("How often the relay sends itself a message through Redis to prove that updates arrive."),
  redis_timeout: duration({ min: "500ms", max: "60s" })
    .default(3_000)
    .describe("How long Redis may stay silent before its connection is given up and replaced."),
  coalesce_window: duration({ min: "0s", max: "100ms" })
    .default(8)
    .describe(
      "How long updates may be let gather before they are read, while more than about a thousand reads a second bring " +
        "them: fewer wake-ups, and fewer and larger writes. The wait grows with the load, and lasts all of this after " +
        "updates for nobody here. Messages from clients gather for 2 ms of it, and their acknowledgements wait as " +
        "updates do. 0 never waits.",
    ),
  embedded_port: port()
    .default(6390)
    .describe(
      "Loopback port on which the embedded broker of `tidings dev` speaks the Redis protocol. " +
        "0 takes a free one.",
    ),
} satisfies Group;

const messages = {
  max_update_bytes: bytes({ min: "1KiB", max: "64MiB" })
    .default(1_048_576)
    .describe("Largest update a worker may publish."),
  implicit_broadcast: flag()
    .default(false)
    .describe("Whether an update without the field `target_user_id` goes to everyone. Off, it is malformed."),
  max_message_bytes: bytes({ min: "128B", max: "16MiB" })
    .default(65_536)
    .describe("Largest message a client may send; a larger one closes its connection (1009)."),
  message_rate: count({ min: 1, max: 100_000 })
    .default(20)
    .describe("Messages per second that one connection may send in the long run."),
  message_burst: count({ min: 1, max: 100_000 })
    .default(60)
    .describe(
      "Messages one connection may send at once before `message_rate` holds it; more closes it (4429).",
    ),
  client_buffer_bytes: bytes({ min: "4KiB", max: "1GiB" })
    .default(1_048_576)
    .describe("Bytes that may wait for one connection; a client that falls further behind is closed (4480)."),
  total_buffer_bytes: bytes({ min: "0B", max: "1024GiB" })
    .default(0)
    .describe(
      "Bytes that may wait for all connections of this relay together; beyond, those with the most waiting are " +
        "closed first (4480). Each of its processes takes an equal part. " +
        "0 derives it: a quarter of the memory that the process may use.",
    ),
} satisfies Group;

const history = {
  history: flag()
    .default(false)
    .describe(
      "Whether updates are kept in a log for each user, so that clients resume without a loss. " +
        "Needs Redis 7 or Valkey 7.2.",
    ),
  history_size: count({ min: 1, max: 1_000_000 })
    .default(1_000)
    .describe("Updates kept for each user, and of broadcasts."),
  history_bytes: bytes({ min: "1KiB", max: "1GiB" })
    .default(4 * 1_048_576)
    .describe("Bytes kept for each user, and of broadcasts; roughly. At least `max_update_bytes`."),
  history_ttl: duration({ min: "1s", max: "30d" }).default(3_600_000).describe("How long an update is kept."),
  resume_limit: count({ min: 1, max: 1_000_000 })
    .default(10_000)
    .describe("Most updates that one resume replays; a client that missed more is told so."),
} satisfies Group;

const connections = {
  max_connections: count({ min: 0, max: 10_000_000 })
    .default(0)
    .describe(
      "Most connections on this relay; more are refused (503). Each of its processes takes an equal part. " +
        "0 derives it from the file limit of the process.",
    ),
  max_connections_per_user: count({ min: 0, max: 1_000_000 })
    .default(1_000)
    .describe("Most connections of one user in one process of this relay. 0 is no cap."),
  user_limit_policy: choice(["newest", "oldest"])
    .default("newest")
    .describe(
      "Who wins at a user's cap: `newest` closes the oldest connection (4409), " +
        "`oldest` refuses the new one (429).",
    ),
  max_connections_per_address: count({ min: 0, max: 1_000_000 })
    .default(0)
    .describe(
      "Most connections from one address (one /64 for IPv6) in one process, counted before authentication; " +
        "more are refused (429). 0 is no cap.",
    ),
  heartbeat_interval: duration({ min: "1s", max: "10m" })
    .default(25_000)
    .describe("How often each connection is pinged."),
  heartbeat_timeout: duration({ min: "1s", max: "10m" })
    .default(10_000)
    .describe("How long after a ping a silent connection is kept before it is closed (4408)."),
} satisfies Group;

const access = {
  jwt_secret: secret().optional().describe("Shared secret of user tokens (HS256, HS384, HS512)."),
  jwt_public_key: secret()
    .optional()
    .describe("Public key of user tokens in PEM, or the path of a file that holds it."),
  jwks_url: webUrl()
    .optional()
    .describe("Address of the key set of user tokens (JWKS). Fetched, cached and rotated."),
  jwt_audience: text(1024).optional().describe("Required `aud` of user tokens."),
  jwt_issuer: text(1024).optional().describe("Required `iss` of user tokens."),
  token_cookie: text(256).optional().describe("Name of the HttpOnly cookie that holds the token."),
  query_token: flag()
    .default(false)
    .describe("Whether `?token=` is accepted. Addresses end up in access logs: prefer the subprotocol."),
  insecure_user_id: flag()
    .default(false)
    .describe(
      "Whether `?user_id=` is believed. For development: anyone is anyone. " +
        "Refused when `NODE_ENV=production`.",
    ),
  revocation_ttl: duration({ min: "1m", max: "366d" })
    .default(86_400_000)
    .describe(
      "How long a revocation holds where it does not say: at least as long as your longest token. " +
        "After it, a token that still holds is accepted again.",
    ),
  allowed_origins: originList()
    .default([])
    .describe(
      "Origins beside the relay's own that browsers may connect from, separated by commas; " +
        "`*` stands for any part: `https://*.example.com`.",
    ),
  trusted_proxies: cidrList()
    .default([])
    .describe(
      "Addresses of proxies whose `X-Forwarded-For` is believed, separated by commas: `10.0.0.0/8,::1`.",
    ),
  api_key: secret()
    .optional()
    .describe("Key of the HTTP interface (`Authorization: Bearer …`). Without it that interface is off."),
} satisfies Group;

const operation = {
  workers: countOrAuto({ min: 1, max: 256 })
    .default(1)
    .describe(
      "Processes of this relay, which share its port. `auto` is one for each core that it may use. " +
        "More than 1 needs Linux.",
    ),
  drain_window: duration({ min: "0s", max: "1h" })
    .default(10_000)
    .describe("Over how long connections are closed, and clients told to come back, after SIGTERM."),
  drain_deadline: duration({ min: "0s", max: "2h" })
    .default(25_000)
    .describe("When the process leaves at the latest after SIGTERM. At least `drain_window`."),
  log_level: choice(["fatal", "error", "warn", "info", "debug", "trace", "silent"])
    .default("info")
    .describe("Least severe level that is logged. A line per connection comes at `debug`."),
} satisfies Group;

const fields = { ...listening, ...redis, ...messages, ...history, ...connections, ...access, ...operation };

/**
 * Every setting of the relay, once: its name, its rule, its default, and the sentence that explains it. The
 * key `max_update_bytes` is `TIDINGS_MAX_UPDATE_BYTES` in the environment, `--max-update-bytes` on the
 * command line and `max_update_bytes:` in the file.
 */
export const settingsSchema: z.ZodType<Settings> = z.strictObject(fields);

/** The type of each setting, in the order in which people read them. */
export const settingTypes: Readonly<Record<SettingName, z.ZodType>> = fields;

/** The settings by what they are about, in the order in which people read them. */
export const settingGroups: readonly { readonly title: string; readonly names: readonly SettingName[] }[] = [
  { title: "Listening", names: namesOf(listening) },
  { title: "Redis", names: namesOf(redis) },
  { title: "Messages", names: namesOf(messages) },
  { title: "History", names: namesOf(history) },
  { title: "Connections", names: namesOf(connections) },
  { title: "Who may connect", names: namesOf(access) },
  { title: "Operation", names: namesOf(operation) },
];

function namesOf(group: Group): readonly SettingName[] {
  return Object.keys(group) as SettingName[];
}
