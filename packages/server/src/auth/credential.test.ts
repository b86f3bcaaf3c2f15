import { expect, test } from "bun:test";
import { readCredential, type Credential, type CredentialPlaces } from "./credential.ts";

const everywhere: CredentialPlaces = { token_cookie: "session", query_token: true, insecure_user_id: true };
const nowhere: CredentialPlaces = { query_token: false, insecure_user_id: false };

function read(
  headers: Record<string, string>,
  query = "",
  places: CredentialPlaces = everywhere,
): Credential {
  return readCredential(new Request(`http://relay/ws${query}`, { headers }), places);
}

const subprotocol = { "sec-websocket-protocol": "tidings.v1, tidings.token.SUB" };
const authorization = { authorization: "Bearer AUTH" };
const cookie = { cookie: "session=COOKIE" };
const query = "?token=QUERY&user_id=ann";

test("the places are read in the order of the contract", () => {
  const all = { ...subprotocol, ...authorization, ...cookie };
  expect(read(all, query)).toEqual({ kind: "token", token: "SUB" });
  expect(read({ ...authorization, ...cookie }, query)).toEqual({ kind: "token", token: "AUTH" });
  expect(read(cookie, query)).toEqual({ kind: "token", token: "COOKIE" });
  expect(read({}, query)).toEqual({ kind: "token", token: "QUERY" });
  expect(read({}, "?user_id=ann")).toEqual({ kind: "user_id", userId: "ann" });
  expect(read({})).toEqual({ kind: "missing", reason: "the request carries no token" });
});

test.each([
  ["an empty subprotocol token", { "sec-websocket-protocol": "tidings.v1, tidings.token." }],
  ["two subprotocol tokens", { "sec-websocket-protocol": "tidings.v1, tidings.token.a, tidings.token.b" }],
  ["a subprotocol token without tidings.v1", { "sec-websocket-protocol": "tidings.token.a" }],
  ["Bearer without a token", { authorization: "Bearer" }],
  ["Bearer with blanks alone", { authorization: "Bearer   " }],
  ["an empty cookie", { cookie: "a=b; session=; c=d" }],
  ["two cookies of one name", { cookie: "session=a; session=b" }],
] as const)("%s is refused although a good credential comes later", (_, headers) => {
  expect(read(headers, query).kind).toBe("broken");
});

test.each([
  ["two tokens in the address", "?token=a&token=b"],
  ["an empty token in the address", "?token=&user_id=ann"],
  ["two user ids in the address", "?user_id=ann&user_id=bob"],
])("%s are refused", (_, address) => {
  expect(read({}, address).kind).toBe("broken");
});

test("the same value in two cookies of one name is one value", () => {
  expect(read({ cookie: "session=a; session=a" })).toEqual({ kind: "token", token: "a" });
});

test("cookies whose name only resembles the token's are not read", () => {
  expect(read({ cookie: "xsession=a; session2=b; Session=c; session" }).kind).toBe("missing");
});

test("a cookie's value may be quoted and hold equals signs", () => {
  expect(read({ cookie: 'other="x;y"; session="a=b="' })).toEqual({ kind: "token", token: "a=b=" });
});

test("the scheme of Authorization is read in any case, and another scheme is not a credential of the relay", () => {
  expect(read({ authorization: "bEARER  x" })).toEqual({ kind: "token", token: "x" });
  expect(read({ authorization: "Basic YTpi", ...cookie })).toEqual({ kind: "token", token: "COOKIE" });
  expect(read({ authorization: "Bearertoken" }).kind).toBe("missing");
});

test("two Authorization headers are one broken credential, not a choice", () => {
  const headers = new Headers();
  headers.append("authorization", "Bearer a");
  headers.append("authorization", "Bearer b");
  const credential = readCredential(new Request("http://relay/ws", { headers }), nowhere);
  expect(credential).toEqual({ kind: "token", token: "a, Bearer b" });
});

test("places that are off are not read, and the refusal says which setting opens them", () => {
  expect(read(cookie, "", nowhere).kind).toBe("missing");
  expect(read({}, "?token=a", nowhere)).toEqual({
    kind: "missing",
    reason: "the request carries no token: a token in the address is read only with query_token on",
  });
  expect(read({}, "?user_id=ann", nowhere)).toEqual({
    kind: "missing",
    reason:
      "the request carries no token: a user_id in the address is believed only with insecure_user_id on",
  });
});

test("a user id in the address is decoded", () => {
  expect(read({}, "?user_id=a%20%C3%BC%26b")).toEqual({ kind: "user_id", userId: "a ü&b" });
});

test("an address that is no URL is read all the same", () => {
  const request = { headers: new Headers(), url: "//:0?user_id=ann#x" } as unknown as Request;
  expect(readCredential(request, everywhere)).toEqual({ kind: "user_id", userId: "ann" });
});
