import { fates, GET, KEY, type Handshake, request, rows } from "./handshake-row.ts";

const versions = rows("RFC 6455, 4.4", [
  ...["0", "7", "8", "12", "14", "130", "255", "013", "abc", "", "13, 12", "-13", "13.0"].map(
    (version) =>
      [
        `version "${version}"`,
        request(GET, { "Sec-WebSocket-Version": version }),
        fates.wrongVersion,
      ] as const,
  ),
  ["a version with spaces around it", request(GET, { "Sec-WebSocket-Version": "  13  " }), fates.accepted],
  ["no version", request(GET, { "Sec-WebSocket-Version": null }), fates.wrongVersion],
  ["two versions", request(GET, { "Sec-WebSocket-Version": ["13", "8"] }), fates.wrongVersion],
]);

const keys = rows("RFC 6455, 4.2.1", [
  ["no key", request(GET, { "Sec-WebSocket-Key": null }), fates.failed],
  ...(
    [
      ["an empty key", ""],
      ["a key of 15 bytes", Buffer.alloc(15).toString("base64")],
      ["a key of 17 bytes", Buffer.alloc(17).toString("base64")],
      ["a key without its padding", KEY.slice(0, -2)],
      ["a key with half its padding", KEY.slice(0, -1)],
      ["a key with too much padding", `${KEY}=`],
      ["a key that is no base64", `!!!!${KEY.slice(4)}`],
      ["a key of 4000 letters", "x".repeat(4_000)],
      ["two keys in one header", `${KEY}, ${KEY}`],
    ] as const
  ).map(([name, key]) => [name, request(GET, { "Sec-WebSocket-Key": key }), fates.failed] as const),
  ["the same key twice", request(GET, { "Sec-WebSocket-Key": [KEY, KEY] }), fates.failed],
  ["two keys", request(GET, { "Sec-WebSocket-Key": [KEY, "AAAAAAAAAAAAAAAAAAAAAA=="] }), fates.failed],
]);

const upgrades = rows("RFC 6455, 4.2.1", [
  ...["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade , close", ",,upgrade,,"].map(
    (value) => [`Connection: ${value}`, request(GET, { Connection: value }), fates.accepted] as const,
  ),
  ["Connection in two headers", request(GET, { Connection: ["keep-alive", "Upgrade"] }), fates.accepted],
  ...["", "keep-alive", "close", "upgraded", "not-upgrade", '"upgrade"', "upgrade;q=1"].map(
    (value) =>
      [`Connection: ${value || "(empty)"}`, request(GET, { Connection: value }), fates.notWebsocket] as const,
  ),
  ["no Connection", request(GET, { Connection: null }), fates.notWebsocket],
  ...["WebSocket", "WEBSOCKET", " websocket "].map(
    (value) => [`Upgrade: ${value}`, request(GET, { Upgrade: value }), fates.accepted] as const,
  ),
  ...[
    "",
    "h2c",
    "websocket/13",
    "websockets",
    "web socket",
    '"websocket"',
    "websocket, h2c",
    "h2c, websocket",
  ].map(
    (value) =>
      [`Upgrade: ${value || "(empty)"}`, request(GET, { Upgrade: value }), fates.notWebsocket] as const,
  ),
  ["no Upgrade", request(GET, { Upgrade: null }), fates.notWebsocket],
  [
    "an upgrade to HTTP/2 in clear text",
    request(GET, {
      Upgrade: "h2c",
      Connection: "Upgrade, HTTP2-Settings",
      "HTTP2-Settings": "AAMAAABkAAQAAP__",
    }),
    fates.notWebsocket,
  ],
]);

const spaces = " ".repeat(10_000);
const subprotocols = rows("RFC 6455, 4.2.2", [
  ...[
    "tidings.v1",
    "tidings.v1, tidings.v1",
    "tidings.v1,,",
    ",",
    "",
    "a b",
    "TIDINGS.V1",
    "__proto__, constructor",
    '"tidings.v1"',
    `b${spaces}x`,
    `${spaces}tidings.v1`,
    `a${",".repeat(10_000)}`,
    `tidings.v1${", a".repeat(3_000)}`,
  ].map(
    (offer) =>
      [
        `the subprotocols "${offer.slice(0, 24)}", ${offer.length} long,`,
        request(GET, { "Sec-WebSocket-Protocol": offer }),
        fates.accepted,
      ] as const,
  ),
  [
    "two headers of subprotocols",
    request(GET, { "Sec-WebSocket-Protocol": ["other", "tidings.v1"] }),
    fates.accepted,
  ],
]);

const extensions = rows(
  "RFC 6455, 9.1",
  [
    "permessage-deflate",
    "permessage-deflate; server_max_window_bits=999999999999",
    "permessage-deflate; client_max_window_bits; permessage-deflate",
    ";;;=",
    "constructor, __proto__, toString",
    `x; ${'a="\\'.repeat(2_000)}`,
    `x${spaces}y`,
  ].map(
    (offer) =>
      [
        `the extensions "${offer.slice(0, 40)}"`,
        request(GET, { "Sec-WebSocket-Extensions": offer }),
        fates.accepted,
      ] as const,
  ),
);

const origins = rows("RFC 6455, 10.2", [
  ...["http://127.0.0.1", "https://127.0.0.1"].map(
    (origin) =>
      [`the relay's own origin ${origin}`, request(GET, { Origin: origin }), fates.accepted] as const,
  ),
  ["no origin, as from a program,", request(GET), fates.accepted],
  ...[
    "",
    "null",
    "http://evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil127.0.0.1",
    "http://127.0.0.1@evil.example",
    "http://user@127.0.0.1",
    "http://127.0.0.1/",
    "http://127.0.0.1:8080",
    "file://127.0.0.1",
    "http://127.0.0.1, http://evil.example",
    "127.0.0.1",
    "http://127.0.0.1\t.evil.example",
  ].map((origin) => [`the origin "${origin}"`, request(GET, { Origin: origin }), fates.foreign] as const),
  ["two origins", request(GET, { Origin: ["http://127.0.0.1", "http://evil.example"] }), fates.foreign],
]);

/** Handshakes by the headers of RFC 6455, right and wrong. */
export const byWebSocketHeader: Readonly<Record<string, readonly Handshake[]>> = {
  version: versions,
  key: keys,
  "upgrade header": upgrades,
  subprotocol: subprotocols,
  extension: extensions,
  origin: origins,
};
