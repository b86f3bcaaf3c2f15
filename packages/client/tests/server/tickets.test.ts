import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { jwtVerify } from "jose";
import { fetchTicket } from "../../src/fetch-ticket.ts";
import { nodeHandler } from "../../src/server/node-handler.ts";
import { createTicket } from "../../src/server/ticket.ts";
import { type TicketHandler, ticketHandler } from "../../src/server/ticket-handler.ts";
import { test } from "../support/suite.ts";

const secret = "0123456789abcdef0123456789abcdef";
const NOW = 1_795_305_600;
const now = (): number => NOW * 1_000 + 999;

async function claimsOf(token: string): Promise<Record<string, unknown>> {
  const key = new TextEncoder().encode(secret);
  const { payload, protectedHeader } = await jwtVerify(token, key, {
    currentDate: new Date(now()),
    algorithms: ["HS256"],
  });
  assert.deepEqual(protectedHeader, { alg: "HS256", typ: "JWT" });
  return payload;
}

function ask(
  handler: TicketHandler,
  headers: Record<string, string> = {},
  method = "POST",
): Promise<Response> {
  return handler(new Request("https://app.example.com/api/tidings", { method, headers }));
}

test("a ticket names its user, holds for a minute and once, and lets the connection last a quarter of an hour", async () => {
  const { jti, ...claims } = await claimsOf(await createTicket({ user: "älice", secret, now }));
  assert.deepEqual(claims, {
    sub: "älice",
    iat: NOW,
    exp: NOW + 60,
    single_use: true,
    session_exp: NOW + 900,
  });
  const other = await claimsOf(await createTicket({ user: "älice", secret, now }));
  assert.equal(typeof jti, "string");
  assert.notEqual(jti, other["jti"]);
});

test("a ticket takes the relay's audience and issuer, and other durations", async () => {
  const terms = { secret, now, audience: "relay", issuer: "app", lifetime: 1_200, session: 7_200 };
  const { aud, iss, exp, session_exp: end } = await claimsOf(await createTicket({ user: "a", ...terms }));
  assert.deepEqual([aud, iss, exp, end], ["relay", "app", NOW + 1_200, NOW + 7_200]);
  const {
    exp: own,
    session_exp: none,
    single_use: once,
  } = await claimsOf(await createTicket({ user: "a", secret, now, singleUse: false }));
  assert.deepEqual([own, none, once], [NOW + 60, undefined, undefined]);
});

test("what cannot be a ticket is refused in a sentence", async () => {
  const broken: [Parameters<typeof createTicket>[0], RegExp][] = [
    [{ user: "a", secret: undefined }, /secret is missing/],
    [{ user: "a", secret: "" }, /secret is missing/],
    [{ user: "*", secret }, /must not be "\*"/],
    [{ user: "", secret }, /must not be empty/],
    [{ user: "a", secret, lifetime: 0 }, /lifetime must be/],
    [{ user: "a", secret, lifetime: 3_601 }, /lifetime must be/],
    [{ user: "a", secret, session: 59 }, /session must be/],
  ];
  for (const [request, words] of broken) await assert.rejects(createTicket(request), words);
  const authorize = (): string => "a";
  assert.throws(() => ticketHandler({ secret, authorize, lifetime: 0.5 }), TypeError);
  assert.throws(() => ticketHandler({ secret, authorize, origins: ["https://a.example/path"] }), TypeError);
  assert.throws(() => ticketHandler({ secret, authorize, origins: ["null"] }), TypeError);
});

test("the route gives a ticket for the session of the request, and nothing on the way may keep it", async () => {
  const handler = ticketHandler({
    secret,
    now,
    authorize: (request) => (request.headers.get("cookie") === "session=1" ? "alice" : null),
  });
  const response = await ask(handler, { cookie: "session=1" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.equal(response.headers.get("content-type"), "application/jwt");
  assert.equal(response.headers.get("access-control-allow-origin"), null);
  assert.equal((await claimsOf(await response.text()))["sub"], "alice");
  const nobody = await ask(handler);
  assert.equal(nobody.status, 401);
  assert.equal(nobody.headers.get("cache-control"), "no-store");
  assert.equal(nobody.headers.get("content-type"), "application/problem+json");
});

test("the route takes nothing but POST", async () => {
  const handler = ticketHandler({ secret, authorize: () => assert.fail("nobody is to be asked") });
  for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
    const response = await ask(handler, {}, method);
    assert.deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
  }
});

test("pages of other origins get nothing, whatever cookies come with them", async () => {
  let asked = 0;
  const handler = ticketHandler({ secret, authorize: () => `user-${(asked += 1)}` });
  const foreign = [
    { origin: "https://evil.example" },
    { origin: "null" },
    { origin: "https://app.example.com.evil.example" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site", origin: "https://other.example.com" },
    { "sec-fetch-site": "none" },
    { "sec-fetch-site": "cross-site", origin: "https://app.example.com" },
  ];
  for (const headers of foreign) {
    const response = await ask(handler, headers);
    assert.equal(response.status, 403, JSON.stringify(headers));
    assert.equal(response.headers.get("access-control-allow-origin"), null);
  }
  assert.equal(asked, 0);
  const own = [
    {},
    { "sec-fetch-site": "same-origin", origin: "http://whatever.the-proxy.says" },
    { origin: "https://app.example.com" },
    { origin: "https://www.example.com", "x-forwarded-host": "www.example.com" },
  ];
  for (const headers of own) {
    assert.equal(
      (await ask(handler, headers as Record<string, string>)).status,
      200,
      JSON.stringify(headers),
    );
  }
});

test("origins that are listed may ask from elsewhere, with credentials and after a preflight", async () => {
  const origin = "https://app.example.org";
  const handler = ticketHandler({ secret, authorize: () => "alice", origins: [origin] });
  const headers = { origin, "sec-fetch-site": "cross-site" };
  const preflight = await ask(handler, headers, "OPTIONS");
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers.get("access-control-allow-methods"), "POST");
  const response = await ask(handler, headers);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("access-control-allow-origin"), origin);
  assert.equal(response.headers.get("access-control-allow-credentials"), "true");
  assert.match(response.headers.get("vary") ?? "", /Origin/);
});

test("the context reaches authorize, as a framework's own request does", async () => {
  const handler = ticketHandler<{ readonly user: string }>({ secret, now, authorize: (_, { user }) => user });
  const request = new Request("https://app.example.com/api/tidings", { method: "POST" });
  const response = await handler(request, { user: "alice" });
  assert.equal((await claimsOf(await response.text()))["sub"], "alice");
});

test("node:http and Express serve the route, and fetchTicket asks it afresh for each ticket", async () => {
  const seen: unknown[] = [];
  const serve = nodeHandler<{ readonly url?: string; readonly headers: Record<string, string> }>(
    ticketHandler({
      secret,
      authorize: (request, incoming) => {
        seen.push(incoming?.url, request.headers.get("x-two"));
        if (request.headers.has("x-fault")) throw new Error("the session store is away");
        return request.headers.has("x-nobody") ? null : "alice";
      },
    }),
  );
  const faults: unknown[] = [];
  const server = createServer((request, response) => {
    void serve(request as never, response, (error) => {
      faults.push(error);
      response.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/tidings?a=1`;
    const token = fetchTicket(url, { headers: { "x-two": "2" } });
    const [one, two] = [await token(), await token()];
    assert.notEqual(one, two);
    assert.deepEqual(seen, ["/api/tidings?a=1", "2", "/api/tidings?a=1", "2"]);
    await assert.rejects(fetchTicket(url, { headers: { "x-nobody": "1" } })(), /401 http/);
    await assert.rejects(fetchTicket(url, { headers: { "x-fault": "1" } })(), /500 http/);
    assert.match(String(faults), /session store/);
    assert.equal((await fetch(url)).status, 405);
  } finally {
    server.close();
  }
});
