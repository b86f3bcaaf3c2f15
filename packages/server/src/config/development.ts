import type { SettingName, Settings } from "./schema.ts";

/** Defaults that a command puts in place of the schema's. */
export interface Preset {
  /** Whose defaults these are, for messages: `tidings dev`. */
  readonly title: string;
  /** The defaults, given which settings somebody has set. */
  readonly values: (given: ReadonlySet<SettingName>) => Partial<Settings>;
}

const keys: readonly SettingName[] = ["jwt_secret", "jwt_public_key", "jwks_url"];

/** What `tidings dev` takes for granted: one person at this machine, who wants no ceremony and no waiting. */
export const developmentPreset: Preset = {
  title: "tidings dev",
  values: (given) => ({
    host: "127.0.0.1",
    // Whoever sets a key wants to see tokens checked.
    insecure_user_id: !keys.some((key) => given.has(key)),
    allowed_origins: ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"],
    drain_window: 0,
    drain_deadline: 2_000,
  }),
};
