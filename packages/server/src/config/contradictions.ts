import { authWarnings } from "../auth/auth-settings.ts";
import { settingOf, shownValue } from "./catalog.ts";
import type { Sources } from "./sources.ts";
import type { SettingName, Settings } from "./schema.ts";

/** What the rules look at. */
export interface Facts {
  readonly settings: Settings;
  readonly sources: Sources;
  /** Whether `NODE_ENV=production`. */
  readonly production: boolean;
}

/** A rule over several settings, and what to say where it is broken. */
interface Rule {
  /** The settings it looks at: it is not asked while one of them is not even valid by itself. */
  readonly over: readonly SettingName[];
  readonly broken: (settings: Settings, facts: Facts) => boolean;
  readonly say: (name: (setting: SettingName) => string) => string;
}

const keys: readonly SettingName[] = ["jwt_secret", "jwt_public_key", "jwks_url"];

const impossible: readonly Rule[] = [
  {
    over: ["drain_deadline", "drain_window"],
    broken: (settings) => settings.drain_deadline < settings.drain_window,
    say: (name) =>
      `${name("drain_deadline")} ends before ${name("drain_window")}; make the deadline at least the window`,
  },
  {
    over: ["internal_port", "port"],
    broken: (settings) => settings.internal_port === settings.port && settings.port !== 0,
    say: (name) => `${name("internal_port")} and ${name("port")} are the same; give each its own`,
  },
  {
    over: ["workers", "max_connections"],
    broken: ({ workers, max_connections: most }) => workers !== "auto" && most > 0 && most < workers,
    say: (name) => `${name("max_connections")} is below ${name("workers")}; each worker needs room for one`,
  },
  {
    over: ["insecure_user_id"],
    broken: (settings, { production }) => settings.insecure_user_id && production,
    say: (name) =>
      `${name("insecure_user_id")} lets anyone be anyone and NODE_ENV is production; ` +
      "set a key for tokens (jwt_secret, jwt_public_key or jwks_url), or unset NODE_ENV to develop",
  },
  {
    over: keys,
    broken: (settings) => keys.filter((key) => settings[key] !== undefined).length > 1,
    say: () =>
      "more than one of jwt_secret, jwt_public_key and jwks_url is set; keep the one that signs your tokens",
  },
  {
    over: ["message_burst", "message_rate"],
    broken: (settings) => settings.message_burst < settings.message_rate,
    say: (name) =>
      `${name("message_burst")} is below ${name("message_rate")}; make the burst at least the rate`,
  },
  {
    over: ["history", "history_bytes", "max_update_bytes"],
    broken: (settings) => settings.history && settings.history_bytes < settings.max_update_bytes,
    say: (name) =>
      `${name("history_bytes")} is below ${name("max_update_bytes")}; a log must have room for the largest update`,
  },
  {
    over: ["channel", "inbound_channel"],
    broken: (settings) => settings.channel === settings.inbound_channel,
    say: (name) =>
      `${name("channel")} and ${name("inbound_channel")} are the same: clients could publish updates`,
  },
  ...(["channel", "inbound_channel"] as const).map((setting): Rule => ({
    over: [setting],
    broken: (settings) => settings[setting].startsWith("tidings:"),
    say: (name) =>
      `${name(setting)} begins with "tidings:", which is for what relays say to each other; take another`,
  })),
  {
    over: ["redis_timeout", "probe_interval"],
    broken: (settings) => settings.redis_timeout <= settings.probe_interval,
    say: (name) =>
      `${name("redis_timeout")} is not above ${name("probe_interval")}: pauses would count as silence`,
  },
];

const unwise: readonly Rule[] = [
  {
    over: ["client_buffer_bytes", "max_update_bytes"],
    broken: (settings) => settings.client_buffer_bytes < settings.max_update_bytes,
    say: (name) =>
      `${name("client_buffer_bytes")} is below ${name("max_update_bytes")}: large updates close their clients`,
  },
  {
    over: ["api_key"],
    broken: ({ api_key }) => api_key !== undefined && api_key.length < 16,
    say: (name) => `${name("api_key")} can be guessed; make one with: openssl rand -hex 32`,
  },
  {
    over: ["allowed_origins", "token_cookie"],
    broken: (settings) => settings.allowed_origins.includes("*") && settings.token_cookie !== undefined,
    say: (name) =>
      `${name("allowed_origins")} with ${name("token_cookie")}: any page can connect as its visitor`,
  },
  {
    over: ["heartbeat_interval"],
    broken: (settings) => settings.heartbeat_interval >= 60_000,
    say: (name) => `${name("heartbeat_interval")}: proxies often cut a connection that is silent for 60s`,
  },
];

function said(rule: Rule, { settings, sources }: Facts): string {
  return rule.say((name) => {
    const { from, label } = sources[name];
    const written = from === "preset" || from === "default" ? name : label;
    return settingOf(name).kind === "secret"
      ? written
      : `${written} (${String(shownValue(name, settings[name]))})`;
  });
}

/** Every rule that cannot be broken and is, among the settings that are valid by themselves. */
export function contradictions(facts: Facts, invalid: ReadonlySet<SettingName>): readonly string[] {
  return impossible
    .filter((rule) => !rule.over.some((name) => invalid.has(name)) && rule.broken(facts.settings, facts))
    .map((rule) => said(rule, facts));
}

/** Everything that is allowed and rarely wise. */
export function warningsOf(facts: Facts): readonly string[] {
  const found = unwise.filter((rule) => rule.broken(facts.settings, facts)).map((rule) => said(rule, facts));
  return [...authWarnings(facts.settings), ...found];
}
