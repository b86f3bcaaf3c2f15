import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { eventually } from "../support/eventually.ts";
import { root, type RunningProcess, startProcess, startTidings, untilReady } from "../support/process.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";
import { TestStream } from "../support/test-stream.ts";
import { handshake, nowSeconds } from "./auth-support.ts";

setDefaultTimeout(60_000);

/** A recognisable text for each secret: lower case, since addresses and names may be put into lower case. */
const plant = (what: string): string => `geheim-${what}-${crypto.randomUUID().replaceAll("-", "")}`;

const secrets = {
  jwtSecret: plant("jwt-secret"),
  apiKey: plant("api-key"),
  redisPassword: plant("redis-password"),
  payload: plant("payload"),
  message: plant("message"),
  claim: plant("claim"),
  jti: plant("jti"),
  wrongKey: plant("wrong-key"),
  cookie: plant("other-cookie"),
  garbage: plant("garbage-token"),
};

const directory = await mkdtemp(join(tmpdir(), "tidings-secrets-"));
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Throws a fault of each kind that carries secrets, where nothing catches it. The shape of a bug, not of an attack. */
async function crashScript(): Promise<string> {
  const path = join(directory, "crash.ts");
  await Bun.write(
    path,
    `const secrets = ${JSON.stringify(secrets)};
     process.on("SIGUSR2", () => {
       const fault = new Error("a bug");
       Object.assign(fault, { token: secrets.garbage, request: { headers: { authorization: secrets.apiKey } } });
       Object.assign(fault, { cause: new Error(secrets.payload), body: secrets.message });
       throw fault;
     });
     process.on("SIGWINCH", () => void Promise.reject(new AggregateError([new Error(secrets.payload)], "two bugs")));
     process.on("SIGIO", () => void JSON.parse('{"payload": ' + secrets.payload.replaceAll("-", "_") + "}"));`,
  );
  return path;
}

const tokens: string[] = [];

async function tokenOf(
  claims: Readonly<Record<string, unknown>>,
  secret = secrets.jwtSecret,
): Promise<string> {
  const token = await new SignJWT({ sub: "ann", iat: nowSeconds(), exp: nowSeconds() + 600, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .sign(new TextEncoder().encode(secret));
  tokens.push(token);
  return token;
}

/** That none of the secrets stands in a text, nor any part of a token that is long enough to be one. */
function expectNone(where: string, text: string): void {
  const parts = tokens.flatMap((token) => token.split(".").slice(1));
  const variants = Object.values(secrets).flatMap((secret) => [
    secret,
    secret.replaceAll("-", "_"),
    secret.slice(-32),
    Buffer.from(secret).toString("base64").slice(0, 24),
    Buffer.from(secret).toString("base64url").slice(0, 24),
    encodeURIComponent(secret),
  ]);
  const found = [...variants, ...parts].filter((secret) => secret.length > 12 && text.includes(secret));
  expect({ where, found }).toEqual({ where, found: [] });
}

interface Stage {
  readonly url: string;
  readonly relay: RunningProcess;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
}

/** A relay as in production that logs all it can, runs `act`, and whose output is searched when it is over. */
async function withRelay(act: (stage: Stage) => Promise<void>): Promise<string> {
  await using redis = await startRedis({ args: ["--requirepass", secrets.redisPassword] });
  const port = await freePort();
  const environment = {
    TIDINGS_PORT: String(port),
    TIDINGS_HOST: "127.0.0.1",
    TIDINGS_REDIS_URL: redis.url.replace("//", `//:${secrets.redisPassword}@`),
    TIDINGS_JWT_SECRET: secrets.jwtSecret,
    TIDINGS_API_KEY: secrets.apiKey,
    TIDINGS_TOKEN_COOKIE: "session",
    TIDINGS_QUERY_TOKEN: "true",
    TIDINGS_HISTORY: "true",
    TIDINGS_LOG_LEVEL: "trace",
    TIDINGS_DRAIN_WINDOW: "0s",
    TIDINGS_PROBE_INTERVAL: "100ms",
    TIDINGS_REDIS_TIMEOUT: "1s",
  };
  const main = join(root, "packages/server/src/cli/main.ts");
  const words = [process.execPath, "--preload", await crashScript(), main, "serve"];
  await using relay = startProcess(words, environment);
  await untilReady(port);
  await act({ url: `http://127.0.0.1:${port}`, relay, redis });
  return relay.output();
}

describe("no secret comes out", () => {
  test("in logs, problems, frames, close reasons, headers or metrics, whatever is tried with it", async () => {
    const told: string[] = [];
    const ask = async (url: string, init: RequestInit = {}): Promise<number> => {
      const response = await fetch(url, init);
      told.push(`${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`);
      return response.status;
    };
    const log = await withRelay(async ({ url, redis }) => {
      const good = await tokenOf({ jti: secrets.jti, claim: secrets.claim });
      const bad = [
        secrets.garbage,
        await tokenOf({ claim: secrets.claim }, "another secret of thirty-two byte"),
        await tokenOf({ claim: secrets.claim, exp: nowSeconds() - 600 }),
        await tokenOf({ claim: secrets.claim, nbf: nowSeconds() + 600 }),
        await tokenOf({ claim: secrets.claim, sub: "*" }),
        await tokenOf({ claim: secrets.claim, single_use: "x" }),
        `${good}${secrets.garbage}`,
      ];
      const ticket = await tokenOf({ jti: crypto.randomUUID(), single_use: true, exp: nowSeconds() + 60 });
      const clients: TestClient[] = [];
      const open = async (
        options: Omit<Parameters<typeof TestClient.open>[0], "url">,
        path = "/ws",
      ): Promise<TestClient> => {
        const client = await TestClient.open({ url: url + path, ...options });
        clients.push(client);
        return client;
      };

      // Every way in, with what holds and what does not.
      for (const token of [good, ticket, ticket, ...bad]) {
        await open({ protocols: ["tidings.v1", `tidings.token.${token}`] }).catch(() => null);
        for (const headers of [
          { authorization: `Bearer ${token}` },
          { cookie: `session=${token}; other=${secrets.cookie}` },
          { authorization: `Bearer ${token}`, origin: "https://evil.test", cookie: `session=${token}` },
        ]) {
          await ask(`${url}/ws`, { headers: { ...headers, "x-token": token } });
          if (token === good) await open({ headers }).catch(() => null);
          else await ask(`${url}/v1/stream`, { headers });
          await ask(`${url}/ws`, { headers: { ...handshake, ...headers, "sec-websocket-version": "7" } });
        }
        if (token !== good) await ask(`${url}/v1/stream?token=${token}&token=${token}`);
        if (token !== good) await ask(`${url}/v1/stream?token=${token}`);
        await ask(`${url}/wss?token=${token}`);
        await ask(`${url}/v1/users/${token}?token=${token}`);
      }
      using stream = await TestStream.open(`${url}/v1/stream?token=${good}`);
      await stream.frame("tidings.welcome");

      // What the API is given, with the right key and wrong ones.
      const right = { authorization: `Bearer ${secrets.apiKey}` };
      for (const headers of [
        right,
        { authorization: `Bearer ${secrets.wrongKey}` },
        { authorization: secrets.apiKey },
      ]) {
        for (const body of [
          `{"target_user_id":"bob","type":"t","payload":"${secrets.payload}"}`,
          `{"target_user_id":"bob","type":"tidings.x","payload":"${secrets.payload}"}`,
          `{"target_user_id":7,"type":"t","payload":"${secrets.payload}"}`,
          `{"payload": ${secrets.payload}`,
          `[{"type":"t","payload":"${secrets.payload}"}]`,
          secrets.payload,
        ]) {
          await ask(`${url}/v1/publish`, { method: "POST", headers, body });
          await ask(`${url}/v1/revocations`, { method: "POST", headers, body });
        }
        await ask(`${url}/v1/revocations?jti=${secrets.wrongKey}`, { method: "DELETE", headers });
        await ask(`${url}/v1/publish?key=${secrets.apiKey}`, { headers });
      }

      // What workers publish, and what clients send.
      const publish = (text: string): Promise<string> =>
        redis.cli("--no-auth-warning", "-a", secrets.redisPassword, "PUBLISH", "updates", text);
      await publish(`{"target_user_id":"bob","type":"t","payload":"${secrets.payload}"}`);
      await publish(`{"target_user_id":"","type":"t","payload":"${secrets.payload}"}`);
      await publish(`{"target_user_id":"bob","type":"t","payload":${secrets.payload}}`);
      await publish(secrets.payload);
      await publish(`{"${secrets.payload}":1,"target_user_id":"bob","type":"","payload":1}`);
      for (const message of [
        `{"type":"ask","payload":"${secrets.message}","id":"1"}`,
        `{"type":"ask","payload":"${secrets.message}","payload":"${secrets.message}"}`,
        `{"type":"tidings.token","payload":{"token":"${secrets.garbage}"}}`,
        `{"type":"tidings.token","payload":{"token":"${await tokenOf({ sub: "bob" })}"}}`,
        `{"type":"tidings.unknown","payload":"${secrets.message}","id":"2"}`,
        `{"type":"tidings.resume","payload":{"since":"${secrets.message}"}}`,
        secrets.message,
        new TextEncoder().encode(secrets.message),
        `{"type":"ask","payload":"${secrets.message.repeat(2_000)}"}`,
      ]) {
        const client = await open({ protocols: ["tidings.v1", `tidings.token.${good}`] });
        await client.frame("tidings.welcome");
        client.send(message);
        client.send('{"type":"tidings.ping","id":"p"}');
        await eventually(
          "it is answered",
          () => client.closeEvent !== null || client.texts.some((text) => text.includes("pong")),
        );
      }

      // Its end: revoked, and Redis gone while something is asked.
      await ask(`${url}/v1/revocations`, { method: "POST", headers: right, body: '{"user_id":"ann"}' });
      await stream.ended();
      await redis.stop();
      await eventually("it is noticed", async () => (await ask(`${url}/readyz`)) === 503);
      await ask(`${url}/v1/publish`, {
        method: "POST",
        headers: right,
        body: `{"target_user_id":"bob","type":"t","payload":"${secrets.payload}"}`,
      });
      await ask(`${url}/v1/stream?token=${ticket}`);
      await ask(`${url}/metrics`);
      for (const client of clients) {
        told.push(...client.texts, client.closeEvent?.reason ?? "", client.protocol);
        client.close();
      }
      told.push(JSON.stringify(stream.frames));
    });
    expect(log.split("\n").length).toBeGreaterThan(20);
    expect(told.length).toBeGreaterThan(200);
    expectNone("log", log);
    for (const [index, text] of told.entries()) expectNone(`answer ${index}: ${text.slice(0, 80)}`, text);
  });

  test.each(["SIGUSR2", "SIGWINCH", "SIGIO"] as const)(
    "when a fault that nobody caught and that carries them ends the process (%s)",
    async (signal) => {
      const log = await withRelay(async ({ relay }) => {
        relay.kill(signal);
        expect(await relay.exited).toBe(1);
      });
      expect(log).toContain("a fault that nobody expected");
      expectNone("crash output", log);
    },
  );

  const url = `redis://relay:${secrets.redisPassword}@127.0.0.1:1`;
  const all = {
    TIDINGS_JWT_SECRET: secrets.jwtSecret,
    TIDINGS_API_KEY: secrets.apiKey,
    TIDINGS_REDIS_URL: url,
  };
  const keySet = `https://u:${secrets.claim}@127.0.0.1:1/keys?key=${secrets.garbage}`;
  const commands: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
    ["config", ["config"], all],
    ["config as JSON", ["config", "--json"], all],
    ["config with a key set", ["config"], { ...all, TIDINGS_JWT_SECRET: "", TIDINGS_JWKS_URL: keySet }],
    [
      "config with a private key",
      ["config"],
      {
        ...all,
        TIDINGS_JWT_SECRET: "",
        TIDINGS_JWT_PUBLIC_KEY: `-----BEGIN PRIVATE KEY-----\n${secrets.jwtSecret}`,
      },
    ],
    ["doctor", ["doctor"], all],
    ["doctor with a key set", ["doctor"], { ...all, TIDINGS_JWT_SECRET: "", TIDINGS_JWKS_URL: keySet }],
    [
      "publish to a Redis that is away",
      ["publish", "--user", "ann", "--type", "t", "--payload", `"${secrets.payload}"`],
      all,
    ],
    [
      "a payload that is no JSON",
      ["publish", "--user", "ann", "--type", "t", "--payload", secrets.payload],
      all,
    ],
    ["an update that is malformed", ["publish", `{"payload":"${secrets.payload}"}`], all],
    ["two keys", ["serve"], { ...all, TIDINGS_JWKS_URL: keySet }],
    [
      "an address of Redis that is none",
      ["serve"],
      { ...all, TIDINGS_REDIS_URL: `http://x:${secrets.redisPassword}@h` },
    ],
    [
      "an address of Redis that cannot be read",
      ["serve"],
      { ...all, TIDINGS_REDIS_URL: `redis://x:${secrets.redisPassword}@h:99999999` },
    ],
    [
      "a secret in the place of a path",
      ["serve"],
      { ...all, TIDINGS_JWT_SECRET: "", TIDINGS_JWT_PUBLIC_KEY: secrets.jwtSecret },
    ],
    ["a misspelt variable", ["serve"], { ...all, TIDINGS_JWT_SECRT: secrets.jwtSecret }],
    ["a misspelt flag", ["serve", `--jwt-secrt=${secrets.jwtSecret}`], all],
  ];

  test.each(commands)("from the command line: %s", async (_, words, environment) => {
    await using run = startTidings(words, { ...environment, NODE_ENV: "" });
    await Promise.race([
      run.exited,
      eventually("it said something", () => run.output().length > 200, 20_000),
    ]);
    expect(run.output()).not.toBe("");
    expectNone(words.join(" ").slice(0, 20), run.output());
  });

  test.each([
    ["is no YAML", `jwt_secret: "${secrets.jwtSecret}\nport: [${secrets.apiKey}`],
    ["has a wrong key", `jwt_secrt: ${secrets.jwtSecret}\napi_key: [${secrets.apiKey}]`],
    ["has the same key twice", `api_key: ${secrets.apiKey}\napi_key: ${secrets.wrongKey}`],
    ["is a text", secrets.jwtSecret],
  ])("from a settings file that %s", async (_, text) => {
    const path = join(directory, "tidings.yaml");
    await Bun.write(path, text);
    await using run = startTidings(["serve", "--config", path]);
    expect(await run.exited).toBe(2);
    expectNone("settings", run.output());
  });
});
