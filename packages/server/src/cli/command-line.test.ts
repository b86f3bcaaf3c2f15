import { expect, setDefaultTimeout, test } from "bun:test";
import { jwtVerify } from "jose";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "./test-support.ts";

setDefaultTimeout(30_000);

const secret = "a-secret-that-is-long-enough-for-hs256";

test("without a command the list of commands is shown, with status 2", async () => {
  const { status, out } = await runCli([]);
  expect(status).toBe(2);
  for (const name of ["serve", "dev", "publish", "tail", "token", "config", "doctor", "library"])
    expect(out).toContain(`  ${name} `);
});

test("help is the result where it is asked for, without colours in a pipe", async () => {
  const { status, out, err } = await runCli(["serve", "--help"]);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("--max-update-bytes <bytes>");
  expect(out).not.toContain("\u001b[");
});

test("the version is printed alone", async () => {
  expect(await runCli(["--version"])).toMatchObject({
    status: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  });
});

test.each([
  [["dve"], "unknown command dve; did you mean dev?"],
  [["serve", "--prot", "1"], "unknown flag --prot; did you mean --port?"],
  [["serve", "--port"], "--port needs a value"],
  [["serve", "--channel", "--port", "1"], "--channel needs a value"],
  [["serve", "more"], 'unexpected argument "more"'],
  [["tail", "-j"], "unknown flag -j"],
  [["token", "--user", "*"], '--user: must not be "*"'],
  [["token", "--user", "alice", "--ttl", "60"], "--ttl is not a duration"],
  [["token", "--user", "alice", "--claim", "sub=bob"], "--claim sub=… cannot be given"],
  [["publish", "{}", "--user", "alice"], "give either a whole update or --user"],
  [["publish", "--user", "alice", "--type", "t", "--payload", "hi"], "--payload is not JSON"],
  [
    ["publish", "--user", "alice", "--type", "t", "--payload", '1,"target_user_id":"bob"'],
    "--payload is not JSON",
  ],
  [["serve", "--port", "abc"], '--port: "abc" is not a port'],
  [["serve", "--config", "/nowhere/tidings.yaml"], "--config /nowhere/tidings.yaml: there is no such file"],
  [["serve"], "nobody could connect"],
])("%p asks wrongly: one clear line and status 2", async (words: string[], said: string) => {
  const { status, out, err } = await runCli(words);
  expect({ status, out }).toEqual({ status: 2, out: "" });
  expect(err).toContain(`tidings: ${said}`);
});

test("a token holds for its user, its time and its claims", async () => {
  const environment = { TIDINGS_JWT_SECRET: secret, TIDINGS_JWT_AUDIENCE: "tidings" };
  const words = ["token", "--user", "alice", "--ttl", "10m", "--claim", "role=admin", "--claim", "team=a=b"];
  const { status, out } = await runCli(words, environment);
  expect(status).toBe(0);
  const { payload, protectedHeader } = await jwtVerify(out.trim(), new TextEncoder().encode(secret));
  expect(protectedHeader.alg).toBe("HS256");
  expect(payload).toMatchObject({ sub: "alice", aud: "tidings", role: "admin", team: "a=b" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(600);
});

test("without a secret there is no token, and the line to set one", async () => {
  const { status, err } = await runCli(["token", "--user", "alice"]);
  expect(status).toBe(1);
  expect(err).toContain("export TIDINGS_JWT_SECRET=");
});

test("config tells each value with its source and no secret, as a file that is read back", async () => {
  const environment = { TIDINGS_JWT_SECRET: secret, TIDINGS_REDIS_URL: "redis://u:geheim@127.0.0.1:1" };
  const { status, out } = await runCli(["config", "--port", "9000", "--no-inbound"], environment);
  expect(status).toBe(0);
  expect(out).toContain("port: 9000  # --port");
  expect(out).toContain("inbound: false  # --inbound");
  expect(out).toContain('jwt_secret: "********"  # TIDINGS_JWT_SECRET');
  expect(out).not.toMatch(/geheim|long-enough/);

  const directory = await mkdtemp(join(tmpdir(), "tidings-config-"));
  try {
    const path = join(directory, "tidings.yaml");
    await writeFile(path, out);
    const { out: again } = await runCli(["config", "--json", "--config", path]);
    const values = JSON.parse(again) as Record<string, { readonly value: unknown; readonly source: string }>;
    expect(values["port"]?.value).toBe(9000);
    expect(values["port"]?.source).toMatch(/^port in .*tidings\.yaml line \d+$/);
    expect(values["heartbeat_interval"]?.value).toBe("25s");
  } finally {
    await rm(directory, { recursive: true });
  }
});
