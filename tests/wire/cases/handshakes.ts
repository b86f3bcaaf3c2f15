/** A request on the relay's port, and what becomes of it. */
export interface Handshake {
  /** What is sent, as the subject of a sentence. */
  readonly name: string;
  /** The rule behind the answer. */
  readonly rfc: string;
  readonly request: Uint8Array;
  /** The status of the answer; null where the connection is cut without one. */
  readonly status: number | null;
  /** How the relay counts it in `tidings_handshakes_total`; null where Bun refuses it, or where it is not for `/ws`. */
  readonly counts: "accepted" | "not_websocket" | "failed" | "origin_refused" | "token_refused" | null;
}

type Fate = readonly [status: Handshake["status"], counts: Handshake["counts"]];

const ACCEPTED: Fate = [101, "accepted"];
const NOT_WEBSOCKET: Fate = [426, "not_websocket"];
const WRONG_VERSION: Fate = [426, "failed"];
const FAILED: Fate = [400, "failed"];
const FOREIGN: Fate = [403, "origin_refused"];
const NOBODY: Fate = [401, "token_refused"];
const NOT_HTTP: Fate = [400, null];
const TOO_LARGE: Fate = [431, null];
const NOTHING_THERE: Fate = [404, null];
const CUT: Fate = [null, null];

const PATH = "/ws?user_id=mallory";
const GET = `GET ${PATH} HTTP/1.1`;
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const usual: Readonly<Record<string, string>> = {
  Host: "127.0.0.1",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** The usual headers with some replaced, left out (null) or given more than once. */
function request(
  line: string,
  changes: Readonly<Record<string, string | null | readonly string[]>> = {},
  body = "",
): Uint8Array {
  const headers = Object.entries({ ...usual, ...changes }).flatMap(([name, value]) =>
    value === null ? [] : (typeof value === "string" ? [value] : value).map((one) => `${name}: ${one}`),
  );
  return Buffer.from([line, ...headers, "", body].join("\r\n"), "latin1");
}

/** The usual request with lines as they are behind its headers. */
function withLines(...lines: readonly string[]): Uint8Array {
  const text = Buffer.from(request(GET)).toString("latin1");
  return Buffer.from(`${text.slice(0, -2)}${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

function rows(rfc: string, table: readonly (readonly [string, Uint8Array, Fate])[]): readonly Handshake[] {
  return table.map(([name, bytes, [status, counts]]) => ({ name, rfc, request: bytes, status, counts }));
}

const methods = rows("RFC 6455, 4.1", [
  ["a GET", request(GET), ACCEPTED],
  ...["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"].map(
    (method) => [`a ${method}`, request(`${method} ${PATH} HTTP/1.1`), NOT_WEBSOCKET] as const,
  ),
  ["a get in lower case", request(`get ${PATH} HTTP/1.1`), CUT],
  ["a method that does not exist", request(`SHAKE ${PATH} HTTP/1.1`), CUT],
]);

const versions = rows("RFC 6455, 4.4", [
  ...["0", "7", "8", "12", "14", "130", "255", "013", "abc", "", "13, 12", "-13", "13.0"].map(
    (version) =>
      [`version "${version}"`, request(GET, { "Sec-WebSocket-Version": version }), WRONG_VERSION] as const,
  ),
  ["a version with spaces around it", request(GET, { "Sec-WebSocket-Version": "  13  " }), ACCEPTED],
  ["no version", request(GET, { "Sec-WebSocket-Version": null }), WRONG_VERSION],
  ["two versions", request(GET, { "Sec-WebSocket-Version": ["13", "8"] }), WRONG_VERSION],
]);

const keys = rows("RFC 6455, 4.2.1", [
  ["no key", request(GET, { "Sec-WebSocket-Key": null }), FAILED],
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
  ).map(([name, key]) => [name, request(GET, { "Sec-WebSocket-Key": key }), FAILED] as const),
  ["the same key twice", request(GET, { "Sec-WebSocket-Key": [KEY, KEY] }), FAILED],
  ["two keys", request(GET, { "Sec-WebSocket-Key": [KEY, "AAAAAAAAAAAAAAAAAAAAAA=="] }), FAILED],
]);

const upgrades = rows("RFC 6455, 4.2.1", [
  ...["upgrade", "UPGRADE", "keep-alive, Upgrade", "Upgrade , close", ",,upgrade,,"].map(
    (value) => [`Connection: ${value}`, request(GET, { Connection: value }), ACCEPTED] as const,
  ),
  ["Connection in two headers", request(GET, { Connection: ["keep-alive", "Upgrade"] }), ACCEPTED],
  ...["", "keep-alive", "close", "upgraded", "not-upgrade", '"upgrade"', "upgrade;q=1"].map(
    (value) =>
      [`Connection: ${value || "(empty)"}`, request(GET, { Connection: value }), NOT_WEBSOCKET] as const,
  ),
  ["no Connection", request(GET, { Connection: null }), NOT_WEBSOCKET],
  ...["WebSocket", "WEBSOCKET", " websocket "].map(
    (value) => [`Upgrade: ${value}`, request(GET, { Upgrade: value }), ACCEPTED] as const,
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
    (value) => [`Upgrade: ${value || "(empty)"}`, request(GET, { Upgrade: value }), NOT_WEBSOCKET] as const,
  ),
  ["no Upgrade", request(GET, { Upgrade: null }), NOT_WEBSOCKET],
  [
    "an upgrade to HTTP/2 in clear text",
    request(GET, {
      Upgrade: "h2c",
      Connection: "Upgrade, HTTP2-Settings",
      "HTTP2-Settings": "AAMAAABkAAQAAP__",
    }),
    NOT_WEBSOCKET,
  ],
]);

const notHttp11 = rows("RFC 9112, 2", [
  ["HTTP/0.9", Buffer.from(`GET ${PATH}\r\n\r\n`), [505, null]],
  ["HTTP/1.2", request(`GET ${PATH} HTTP/1.2`), [505, null]],
  ["HTTP/2.0", request(`GET ${PATH} HTTP/2.0`), [505, null]],
  ["a version of HTTP that is none", request(`GET ${PATH} HTTPS/1.1`), [505, null]],
  ["HTTP/1.0, which Bun does not tell from 1.1,", request(`GET ${PATH} HTTP/1.0`), ACCEPTED],
  ["the preface of HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), NOT_HTTP],
  ["the hello of TLS", Uint8Array.of(0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3), NOT_HTTP],
  ["NUL bytes", Buffer.from("\0\0\0\0\r\n\r\n"), NOT_HTTP],
  ["empty lines before the request", Buffer.from(`\r\n\r\n${String(Buffer.from(request(GET)))}`), NOT_HTTP],
  [
    "lines that end in LF alone",
    Buffer.from(String(Buffer.from(request(GET))).replaceAll("\r\n", "\n")),
    [505, null],
  ],
]);

const hosts = rows("RFC 9112, 3.2", [
  ["no Host", request(GET, { Host: null }), NOT_HTTP],
  ["two Hosts", request(GET, { Host: ["127.0.0.1", "evil.example"] }), FAILED],
  ["two Hosts in one header", request(GET, { Host: "127.0.0.1, evil.example" }), NOTHING_THERE],
  ["an empty Host", request(GET, { Host: "" }), NOTHING_THERE],
  ["a Host that is none", request(GET, { Host: "a b@[:::" }), NOTHING_THERE],
  [
    "a Host that holds a path",
    request("GET /nothing HTTP/1.1", { Host: "127.0.0.1/ws?user_id=m&" }),
    NOTHING_THERE,
  ],
  ["a Host that hides the path", request(GET, { Host: "127.0.0.1/metrics?" }), NOTHING_THERE],
]);

const headers = rows("RFC 9112, 5", [
  ["a header that goes on in the next line", withLines("X-A: b", " c"), NOT_HTTP],
  ["an Upgrade that stands in the next line", request(GET, { Upgrade: "\r\n websocket" }), NOT_HTTP],
  ["a space before the colon", withLines("X-A : b"), NOT_HTTP],
  ["a line without a colon", withLines("nonsense"), NOT_HTTP],
  ["a header without a name", withLines(": b"), NOT_HTTP],
  ["a NUL in a header's name", withLines("X\0A: b"), NOT_HTTP],
  ["a NUL in a header's value", withLines("X-A: b\0c"), NOT_HTTP],
  ["a CR in a header's value", withLines("X-A: b\rc"), NOT_HTTP],
  ["bytes above ASCII in a header's value", withLines("X-A: \xff\xfe"), ACCEPTED],
  ["__proto__ and constructor as headers", withLines("__proto__: x", "constructor: y"), ACCEPTED],
  ["150 headers more", withLines(...Array.from({ length: 150 }, (_, n) => `X-${n}: 1`)), ACCEPTED],
  ["300 headers more", withLines(...Array.from({ length: 300 }, (_, n) => `X-${n}: 1`)), TOO_LARGE],
  ["a header of 20 KB", withLines(`X-A: ${"x".repeat(20_000)}`), TOO_LARGE],
  ["a header of 1 MB", withLines(`X-A: ${"x".repeat(1_000_000)}`), TOO_LARGE],
  ["a cookie of 10 KB", withLines(`Cookie: ${"a=b; ".repeat(2_000)}`), ACCEPTED],
  ["an address of 64 KB", request(`GET ${PATH}&x=${"y".repeat(65_536)} HTTP/1.1`), TOO_LARGE],
  ["an address of 8 KB", request(`GET ${PATH}&x=${"y".repeat(8_000)} HTTP/1.1`), ACCEPTED],
]);

const paths = rows("RFC 9112, 3.2; compared as sent", [
  ...[
    "//:0",
    "//",
    "/",
    "//ws?user_id=m",
    "/ws/?user_id=m",
    "/WS?user_id=m",
    "/ws%00?user_id=m",
    "/ws%ff?user_id=m",
    "/%77s?user_id=m",
    "/ws;a=b?user_id=m",
    "/ws#x?user_id=m",
    "/./ws?user_id=m",
    "/../ws?user_id=m",
    "/a/../ws?user_id=m",
    "/a/%2e%2e/ws?user_id=m",
    "/\\ws?user_id=m",
    "/ws/../metrics",
    "/ws/%2e%2e/metrics",
    "/ws/..;/metrics",
    "/v1/users/../../metrics",
    "http://",
  ].map((path) => [`the path ${path}`, request(`GET ${path} HTTP/1.1`), NOTHING_THERE] as const),
  ...["*", "ws?user_id=m", "\\ws?user_id=m", "ws://x/ws?user_id=m", ""].map(
    (path) => [`the path "${path}"`, request(`GET ${path} HTTP/1.1`), NOT_HTTP] as const,
  ),
  ["an absolute address", request(`GET http://127.0.0.1${PATH} HTTP/1.1`), ACCEPTED],
  ...[
    "/ws",
    "/ws?",
    "/ws?user_id=",
    "/ws?user_id=*",
    "/ws?user_id=%00",
    "/ws?user_id=a%0d%0aX:y",
    "/ws?user_id=a&user_id=b",
    `/ws?user_id=${"x".repeat(257)}`,
  ].map((path) => [`the user of ${path.slice(0, 40)}`, request(`GET ${path} HTTP/1.1`), NOBODY] as const),
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
        ACCEPTED,
      ] as const,
  ),
  [
    "two headers of subprotocols",
    request(GET, { "Sec-WebSocket-Protocol": ["other", "tidings.v1"] }),
    ACCEPTED,
  ],
]);

const extensions = rows("RFC 6455, 9.1", [
  ...[
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
        ACCEPTED,
      ] as const,
  ),
]);

const origins = rows("RFC 6455, 10.2", [
  ...["http://127.0.0.1", "https://127.0.0.1"].map(
    (origin) => [`the relay's own origin ${origin}`, request(GET, { Origin: origin }), ACCEPTED] as const,
  ),
  ["no origin, as from a program,", request(GET), ACCEPTED],
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
  ].map((origin) => [`the origin "${origin}"`, request(GET, { Origin: origin }), FOREIGN] as const),
  ["two origins", request(GET, { Origin: ["http://127.0.0.1", "http://evil.example"] }), FOREIGN],
]);

const bodies = rows("RFC 9112, 6; RFC 6455 knows no body", [
  ["a length of 0", request(GET, { "Content-Length": "0" }), ACCEPTED],
  ["a body", request(GET, { "Content-Length": "5" }, "hello"), FAILED],
  ["a body that does not come", request(GET, { "Content-Length": "5" }), FAILED],
  ["a body in chunks", request(GET, { "Transfer-Encoding": "chunked" }, "0\r\n\r\n"), FAILED],
  ...["-1", "+5", "0x5", "5, 5", "5;", "99999999999999999999999"].map(
    (length) =>
      [`the length "${length}"`, request(GET, { "Content-Length": length }, "hello"), NOT_HTTP] as const,
  ),
  ["two lengths", request(GET, { "Content-Length": ["5", "6"] }, "hello!"), NOT_HTTP],
  [
    "a length and chunks",
    request(GET, { "Content-Length": "5", "Transfer-Encoding": "chunked" }, "0\r\n\r\n"),
    NOT_HTTP,
  ],
  ["an unknown transfer encoding", request(GET, { "Transfer-Encoding": "xchunked" }, "0\r\n\r\n"), NOT_HTTP],
  [
    "two transfer encodings",
    request(GET, { "Transfer-Encoding": ["chunked", "identity"] }, "0\r\n\r\n"),
    NOT_HTTP,
  ],
  ["a transfer encoding with a space before its colon", withLines("Transfer-Encoding : chunked"), NOT_HTTP],
]);

/** Every way to shake hands that is tried, right and wrong. */
export const handshakes: Readonly<Record<string, readonly Handshake[]>> = {
  method: methods,
  version: versions,
  key: keys,
  "upgrade header": upgrades,
  "version of HTTP": notHttp11,
  host: hosts,
  header: headers,
  path: paths,
  subprotocol: subprotocols,
  extension: extensions,
  origin: origins,
  body: bodies,
};
