import { readHead, WireClient } from "../../tests/wire/support/wire-client.ts";
import type { Dice } from "../dice.ts";
import { inPieces } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

/** How long a request that is not whole may stay unanswered before the next is tried, in milliseconds. */
const PATIENCE_MS = 15;

const values: readonly [string, ...(readonly string[])] = [
  "",
  "websocket",
  "Upgrade",
  "13",
  "dGhlIHNhbXBsZSBub25jZQ==",
  "chunked",
  "0",
  "5",
  "-1",
  "99999999999999999999",
  "null",
  "http://127.0.0.1",
  "tidings.v1",
  "tidings.v1, tidings.token.a.b.c",
  "Bearer x",
  "permessage-deflate",
  "__proto__",
  "100-continue",
  "*",
];

const names: readonly [string, ...(readonly string[])] = [
  "Host",
  "Upgrade",
  "Connection",
  "Sec-WebSocket-Key",
  "Sec-WebSocket-Version",
  "Sec-WebSocket-Protocol",
  "Sec-WebSocket-Extensions",
  "Origin",
  "Cookie",
  "Authorization",
  "X-Forwarded-For",
  "Content-Length",
  "Transfer-Encoding",
  "Expect",
  "Last-Event-ID",
];

/** The request's line and headers: whatever comes, and never a crash; let in only what RFC 6455, 4.2.1 lets in. */
export const handshakeTarget: FuzzTarget = {
  name: "handshake",
  invent: (dice) => {
    const good = [
      "Host: 127.0.0.1",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ].filter(() => !dice.oneIn(12));
    const more = dice.oneIn(3) ? [] : dice.some(4, () => header(dice));
    const lines = [...good, ...more].toSorted(() => dice.below(3) - 1);
    const end = dice.oneIn(10) ? "\n" : "\r\n";
    return Buffer.from([requestLine(dice), ...lines, "", ""].join(end), "latin1");
  },
  feed: async (input, victim, dice) => {
    using client = new WireClient(victim.port);
    await client.connected();
    await client.sendApart(inPieces(input, dice));
    await client.within(PATIENCE_MS, () => client.isEnded || readHead(client.bytes) !== null);
    const answer = readHead(client.bytes);
    if (answer === null) return;
    const { status, head } = answer;
    if (!(status >= 100 && status < 600)) throw new Error(`an answer without a status: ${head}`);
    if (status === 500) throw new Error(`the relay failed: ${client.bytes.toString("latin1")}`);
    if (status === 101 && !mayEnter(Buffer.from(input).toString("latin1"))) {
      throw new Error("let in what is no handshake");
    }
  },
};

function header(dice: Dice): string {
  const separator = dice.oneIn(12) ? dice.pick([" : ", ":", "", ":\r\n ", ":\0"]) : ": ";
  const value = dice.oneIn(8)
    ? Buffer.from(dice.bytes(dice.below(64))).toString("latin1")
    : dice.pick(values);
  return dice.pick(names) + separator + (dice.oneIn(20) ? value.repeat(1 + dice.below(2_000)) : value);
}

function requestLine(dice: Dice): string {
  const method = dice.oneIn(6) ? dice.pick(["POST", "HEAD", "get", "", "CONNECT", "OPTIONS"]) : "GET";
  const path = dice.pick([
    "/ws?user_id=m",
    "/ws?user_id=m&since=earliest",
    "/ws",
    "/ws?user_id=%ff",
    "/v1/stream?user_id=m",
    "/v1/users/a",
    "/v1/publish",
    "/",
    "//:0",
    "*",
    "/ws%00",
    "/../ws?user_id=m",
    "/playground.json",
  ]);
  return `${method} ${path} ${dice.oneIn(10) ? dice.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/", ""]) : "HTTP/1.1"}`;
}

/** Whether the first request of the text is an opening handshake, read by other means than the relay's. */
function mayEnter(text: string): boolean {
  const [head = ""] = text.split("\r\n\r\n");
  const [line = "", ...headers] = head.split("\r\n");
  const all = (name: string): readonly string[] =>
    headers
      .filter((one) => one.toLowerCase().startsWith(`${name}:`))
      .map((one) => one.slice(name.length + 1).trim());
  const only = (name: string): string => (all(name).length === 1 ? (all(name)[0] ?? "") : "");
  return (
    /^GET (?:https?:\/\/[^/ ]*)?\/ws(?:\?[^ ]*)? HTTP\/1\.[01]$/.test(line) &&
    all("host").length === 1 &&
    only("upgrade").toLowerCase() === "websocket" &&
    all("connection").some((value) => /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(value)) &&
    /^[A-Za-z0-9+/]{22}==$/.test(only("sec-websocket-key")) &&
    only("sec-websocket-version") === "13" &&
    all("transfer-encoding").length === 0 &&
    all("content-length").every((length) => length === "0")
  );
}
