import { describe, expect, test } from "bun:test";
import { generateKeyPair, SignJWT } from "jose";
import { eventually } from "./support/eventually.ts";
import { TestClient } from "./support/test-client.ts";
import { startTestRelay } from "./support/test-relay.ts";
import { TestStream } from "./support/test-stream.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const APP = "https://app.test";
const problem = "application/problem+json";

function tokenFor(userId: string, seconds = 3_600): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(SECRET));
}

describe("a token", () => {
  const settings = { jwt_secret: SECRET, insecure_user_id: false };

  test("opens its user's stream as header, cookie or query, and is never logged", async () => {
    await using relay = await startTestRelay({
      settings: { ...settings, token_cookie: "session", query_token: true },
    });
    const token = await tokenFor("ann");
    const url = `${relay.url}/v1/stream`;
    using _ = await TestStream.open(url, { authorization: `Bearer ${token}` });
    using __ = await TestStream.open(url, { cookie: `session=${token}` });
    using ___ = await TestStream.open(`${url}?token=${token}`);
    await eventually("all are ann's", () => relay.relay.hub.clientsOf("ann").length === 3);
    expect(relay.log.join("\n")).not.toContain(token);
  });

  test("that is missing or wrong is answered with 401 and why", async () => {
    await using relay = await startTestRelay({ settings });
    for (const headers of [{}, { authorization: "Bearer nonsense" }] as Record<string, string>[]) {
      const response = await relay.http("/v1/stream", { headers });
      expect(response.status).toBe(401);
      expect(response.headers.get("content-type")).toBe(problem);
      expect(response.headers.get("www-authenticate")).toStartWith("Bearer");
      expect(await response.json()).toMatchObject({ type: "urn:tidings:problem:token_refused" });
    }
    expect(await relay.metric('tidings_handshakes_total{result="token_refused"}')).toBe(2);
  });

  test("that runs out ends the stream, which says so", async () => {
    await using relay = await startTestRelay({ settings });
    const token = await tokenFor("ann", 2);
    using stream = await TestStream.open(`${relay.url}/v1/stream`, { authorization: `Bearer ${token}` });
    await stream.ended();
    expect(await stream.frame("tidings.closing")).toMatchObject({
      payload: { code: 4401, come_back: "new_token" },
    });
    expect(relay.relay.hub.connections).toBe(0);
  });
});

describe("a page", () => {
  const settings = { allowed_origins: [APP] };

  test("of an allowed origin may read the stream and every refusal, with its cookies", async () => {
    await using relay = await startTestRelay({ settings: { ...settings, insecure_user_id: true } });
    for (const [path, status] of [
      ["/v1/stream?user_id=ann", 200],
      ["/v1/stream", 401],
    ] as const) {
      const abort = new AbortController();
      const response = await relay.http(path, { headers: { origin: APP }, signal: abort.signal });
      expect(response.status).toBe(status);
      expect(response.headers.get("access-control-allow-origin")).toBe(APP);
      expect(response.headers.get("access-control-allow-credentials")).toBe("true");
      expect(response.headers.get("vary")).toBe("Origin");
      abort.abort();
    }
  });

  test("of an allowed origin may ask with a token and from where to resume", async () => {
    await using relay = await startTestRelay({ settings });
    const headers = {
      origin: APP,
      "access-control-request-method": "GET",
      "access-control-request-headers": "authorization, last-event-id",
    };
    const response = await relay.http("/v1/stream", { method: "OPTIONS", headers });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(APP);
    expect(response.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(response.headers.get("access-control-allow-headers")).toContain("Last-Event-ID");
    expect(response.headers.get("access-control-allow-methods")).toContain("GET");
  });

  test("of another origin gets 403 and may read nothing", async () => {
    await using relay = await startTestRelay({ settings });
    for (const method of ["GET", "HEAD", "OPTIONS"]) {
      const init = { method, headers: { origin: "https://evil.test" } };
      const response = await relay.http("/v1/stream?user_id=ann", init);
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  });

  test("of another site cannot open a visitor's stream by an image or a link, which carry no origin", async () => {
    await using relay = await startTestRelay({ settings });
    for (const [site, status] of [
      ["cross-site", 403],
      ["same-site", 403],
      ["same-origin", 200],
      ["none", 200],
    ] as const) {
      const init = { method: "HEAD", headers: { "sec-fetch-site": site } };
      expect((await relay.http("/v1/stream?user_id=ann", init)).status).toBe(status);
    }
  });
});

describe("a cap", () => {
  test("of a user counts streams and sockets together, and the newest replaces the oldest", async () => {
    await using relay = await startTestRelay({ settings: { max_connections_per_user: 2 } });
    using first = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    await eventually("it is connected", () => relay.relay.hub.connections === 1);
    const second = await relay.connect("ann");
    using third = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
    await first.ended();
    expect(await first.frame("tidings.closing")).toMatchObject({ payload: { code: 4409 } });
    await TestClient.open({ url: `${relay.url}/ws?user_id=ann` });
    expect((await second.closed()).code).toBe(4409);
    expect(third.isEnded).toBe(false);
    expect(relay.relay.hub.clientsOf("ann")).toHaveLength(2);
  });

  test("of a user where the oldest wins, of an address and of the relay refuses with its problem", async () => {
    for (const [settings, status, code] of [
      [{ max_connections_per_user: 1, user_limit_policy: "oldest" }, 429, "user_full"],
      [{ max_connections_per_address: 1 }, 429, "address_full"],
      [{ max_connections: 1 }, 503, "relay_full"],
    ] as const) {
      await using relay = await startTestRelay({ settings });
      using _ = await TestStream.open(`${relay.url}/v1/stream?user_id=ann`);
      await eventually("it is connected", () => relay.relay.hub.connections === 1);
      const refused = await relay.http("/v1/stream?user_id=ann");
      expect(refused.status).toBe(status);
      expect(refused.headers.get("retry-after")).toBe("5");
      expect(await refused.json()).toMatchObject({ type: `urn:tidings:problem:${code}` });
    }
  });

  test("gives back the place of a reader that left before its answer", async () => {
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<Response>();
    await using relay = await startTestRelay({
      settings: { max_connections: 1, insecure_user_id: false, jwks_url: "https://keys.test/" },
      fetch: () => {
        asked.resolve();
        return answered.promise;
      },
    });
    const { privateKey } = await generateKeyPair("ES256");
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: "k" })
      .setSubject("ann")
      .setExpirationTime("1h")
      .sign(privateKey);
    const abort = new AbortController();
    const headers = { authorization: `Bearer ${token}` };
    const left = relay.http("/v1/stream", { headers, signal: abort.signal });
    await asked.promise;
    expect((await relay.http("/v1/stream")).status).toBe(503);
    abort.abort();
    expect(left).rejects.toThrow();
    answered.resolve(Response.json({ keys: [] }));
    await eventually("the place is free", async () => (await relay.http("/v1/stream")).status === 401);
  });
});
