import { describe, expect, test } from "bun:test";
import { maskedSettings } from "./catalog.ts";
import { developmentPreset } from "./development.ts";
import { type LoadedSettings, loadSettings, type SettingsInput } from "./load.ts";

function load(input: Partial<SettingsInput>): LoadedSettings {
  return loadSettings({ flags: {}, environment: {}, ...input });
}

function loaded(input: Partial<SettingsInput>): Extract<LoadedSettings, { ok: true }> {
  const result = load(input);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result;
}

function problems(input: Partial<SettingsInput>): readonly string[] {
  const result = load(input);
  return result.ok ? [] : result.problems;
}

const yaml = (text: string): SettingsInput["file"] => ({ path: "tidings.yaml", text });

describe("precedence", () => {
  const all = { flags: { port: "1" }, environment: { TIDINGS_PORT: "2" }, file: yaml("# ours\nport: 3") };

  test("a flag wins over the environment, that over the file, that over the default", () => {
    expect(loaded(all).settings.port).toBe(1);
    expect(loaded({ ...all, flags: {} }).settings.port).toBe(2);
    expect(loaded({ file: all.file }).settings.port).toBe(3);
    expect(loaded({}).settings.port).toBe(8080);
  });

  test("each value tells where it comes from, as its user wrote it", () => {
    expect(loaded(all).sources.port.label).toBe("--port");
    expect(loaded({ ...all, flags: {} }).sources.port.label).toBe("TIDINGS_PORT");
    expect(loaded({ file: all.file }).sources.port.label).toBe("port in tidings.yaml line 2");
    expect(loaded({}).sources.port.from).toBe("default");
  });

  test("an empty variable and a key without a value count as not set", () => {
    const { settings } = loaded({ environment: { TIDINGS_PORT: "" }, file: yaml("channel:\nhost: ''") });
    expect(settings).toMatchObject({ port: 8080, channel: "updates", host: "0.0.0.0" });
  });
});

describe("problems", () => {
  test("are told all at once, each in the form in which it was written", () => {
    const found = problems({
      flags: { "drain-window": "25" },
      environment: { TIDINGS_PORT: "abc", TIDINGS_PROT: "1" },
      file: yaml("max_update_bytes: much\nchanel: x"),
    });
    expect(found).toEqual([
      "unknown setting chanel in tidings.yaml line 2; did you mean channel?",
      "unknown setting TIDINGS_PROT; did you mean TIDINGS_PORT?",
      'TIDINGS_PORT: "abc" is not a port; write a number from 0 to 65535',
      expect.stringMatching(/^max_update_bytes in tidings.yaml line 1: "much" is not a size; write/),
      '--drain-window: "25" has no unit; write `25ms` or `25s`',
    ]);
  });

  test("never hold a secret", () => {
    const environment = { TIDINGS_REDIS_URL: "redis://u:geheim@h/a/b", TIDINGS_JWKS_URL: "ftp://u:geheim@h" };
    const found = problems({ environment, file: yaml("jwt_secret: 4711") }).join("\n");
    expect(found).toContain("TIDINGS_REDIS_URL");
    expect(found).toContain("jwt_secret in tidings.yaml line 1: this is not text; put the value in quotes");
    expect(found).not.toMatch(/geheim|4711/);
  });

  test("name a file that is no YAML, no mapping, or says a thing twice", () => {
    expect(problems({ file: yaml("a: [1\nb: 2") })).toEqual([
      expect.stringContaining("tidings.yaml is not YAML"),
    ]);
    expect(problems({ file: yaml("- port") })).toEqual([expect.stringContaining("must hold lines such as")]);
    expect(problems({ file: yaml("port: 1\nport: 2") })).toEqual([
      "port stands in tidings.yaml lines 1 and 2; keep one",
    ]);
  });

  test("a name that is near to nothing gets no suggestion", () => {
    expect(problems({ environment: { TIDINGS_XYZZY_PLUGH: "1" } })).toEqual([
      "unknown setting TIDINGS_XYZZY_PLUGH",
    ]);
  });

  test("the variable that names the file is no unknown setting", () => {
    expect(problems({ environment: { TIDINGS_CONFIG: "tidings.yaml" } })).toEqual([]);
  });
});

describe("contradictions", () => {
  test.each([
    [{ TIDINGS_DRAIN_WINDOW: "30s" }, "drain_deadline (25s) ends before TIDINGS_DRAIN_WINDOW (30s)"],
    [
      { TIDINGS_WORKERS: "4", TIDINGS_MAX_CONNECTIONS: "3" },
      "TIDINGS_MAX_CONNECTIONS (3) is below TIDINGS_WORKERS (4)",
    ],
    [{ TIDINGS_INTERNAL_PORT: "8080" }, "TIDINGS_INTERNAL_PORT (8080) and port (8080) are the same"],
    [
      { TIDINGS_INSECURE_USER_ID: "on", NODE_ENV: "production" },
      "TIDINGS_INSECURE_USER_ID (true) lets anyone",
    ],
    [{ TIDINGS_MESSAGE_RATE: "100" }, "message_burst (60) is below TIDINGS_MESSAGE_RATE (100)"],
    [{ TIDINGS_INBOUND_CHANNEL: "updates" }, "clients could publish updates"],
    [{ TIDINGS_CHANNEL: "tidings:log" }, 'TIDINGS_CHANNEL (tidings:log) begins with "tidings:"'],
    [
      { TIDINGS_INBOUND_CHANNEL: "tidings:ingest" },
      'TIDINGS_INBOUND_CHANNEL (tidings:ingest) begins with "tidings:"',
    ],
    [{ TIDINGS_REDIS_TIMEOUT: "500ms" }, "TIDINGS_REDIS_TIMEOUT (500ms) is not above probe_interval (1s)"],
    [{ TIDINGS_JWT_SECRET: "geheim", TIDINGS_JWKS_URL: "https://a.example" }, "more than one of jwt_secret"],
  ])("of %p are named", (environment: Record<string, string>, said: string) => {
    expect(problems({ environment })).toEqual([expect.stringContaining(said)]);
  });

  test("are not sought among settings that are not even valid", () => {
    const found = problems({ environment: { TIDINGS_DRAIN_WINDOW: "soon", TIDINGS_DRAIN_DEADLINE: "1s" } });
    expect(found).toEqual([expect.stringContaining("TIDINGS_DRAIN_WINDOW")]);
  });

  test("a buffer smaller than the largest update is allowed and warned about", () => {
    const { warnings } = loaded({ environment: { TIDINGS_CLIENT_BUFFER_BYTES: "64KiB" } });
    expect(warnings).toEqual([
      expect.stringContaining("TIDINGS_CLIENT_BUFFER_BYTES (64KiB) is below max_update_bytes (1MiB)"),
    ]);
  });
});

describe("the defaults of tidings dev", () => {
  test("listen on loopback, believe a user id and do not wait", () => {
    const { settings, sources } = loaded({ defaults: developmentPreset });
    expect(settings).toMatchObject({ host: "127.0.0.1", insecure_user_id: true, drain_window: 0 });
    expect(sources.host).toEqual({ from: "preset", label: "host, by default of tidings dev" });
  });

  test("are valid by the schema's own rules", () => {
    const flags = Object.fromEntries(
      Object.entries(maskedSettings(loaded({ defaults: developmentPreset }).settings))
        .filter(([, value]) => value !== null)
        .map(([name, value]) => [name.replaceAll("_", "-"), String(value)]),
    );
    expect(problems({ flags })).toEqual([]);
  });

  test("believe no user id once a key for tokens is set", () => {
    const { settings } = loaded({
      defaults: developmentPreset,
      environment: { TIDINGS_JWT_SECRET: "x".repeat(32) },
    });
    expect(settings.insecure_user_id).toBe(false);
  });

  test("give way to what is set", () => {
    expect(loaded({ defaults: developmentPreset, flags: { host: "0.0.0.0" } }).settings.host).toBe("0.0.0.0");
  });

  test("do not run in production without a key", () => {
    const found = problems({ defaults: developmentPreset, environment: { NODE_ENV: "production" } });
    expect(found).toEqual([expect.stringContaining("NODE_ENV is production")]);
  });
});

test("masked settings show no secret, no password, and quantities with their units", () => {
  const environment = {
    TIDINGS_JWT_SECRET: "geheim-und-lang-genug-fuer-alle-faelle",
    TIDINGS_API_KEY: "geheim-geheim-geheim",
    TIDINGS_REDIS_URL: "rediss://relay:geheim@redis.internal:6380",
  };
  const masked = maskedSettings(loaded({ environment }).settings);
  expect(JSON.stringify(masked)).not.toContain("geheim");
  expect(masked).toMatchObject({
    redis_url: "rediss://relay:********@redis.internal:6380",
    jwt_secret: "********",
    jwks_url: null,
    max_update_bytes: "1MiB",
    heartbeat_interval: "25s",
  });
});
