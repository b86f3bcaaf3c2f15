import { fates, GET, PATH, type Handshake, request, rows, withLines } from "./handshake-row.ts";

const methods = rows("RFC 6455, 4.1", [
  ["a GET", request(GET), fates.accepted],
  ...["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"].map(
    (method) => [`a ${method}`, request(`${method} ${PATH} HTTP/1.1`), fates.notWebsocket] as const,
  ),
  ["a get in lower case", request(`get ${PATH} HTTP/1.1`), fates.cut],
  ["a method that does not exist", request(`SHAKE ${PATH} HTTP/1.1`), fates.cut],
]);

const notHttp11 = rows("RFC 9112, 2", [
  ["HTTP/0.9", Buffer.from(`GET ${PATH}\r\n\r\n`), [505, null]],
  ["HTTP/1.2", request(`GET ${PATH} HTTP/1.2`), [505, null]],
  ["HTTP/2.0", request(`GET ${PATH} HTTP/2.0`), [505, null]],
  ["a version of HTTP that is none", request(`GET ${PATH} HTTPS/1.1`), [505, null]],
  ["HTTP/1.0, which Bun does not tell from 1.1,", request(`GET ${PATH} HTTP/1.0`), fates.accepted],
  ["the preface of HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), fates.notHttp],
  ["the hello of TLS", Uint8Array.of(0x16, 3, 1, 0, 0xa5, 1, 0, 0, 0xa1, 3, 3), fates.notHttp],
  ["NUL bytes", Buffer.from("\0\0\0\0\r\n\r\n"), fates.notHttp],
  [
    "empty lines before the request",
    Buffer.from(`\r\n\r\n${String(Buffer.from(request(GET)))}`),
    fates.notHttp,
  ],
  [
    "lines that end in LF alone",
    Buffer.from(String(Buffer.from(request(GET))).replaceAll("\r\n", "\n")),
    [505, null],
  ],
]);

const hosts = rows("RFC 9112, 3.2", [
  ["no Host", request(GET, { Host: null }), fates.notHttp],
  ["two Hosts", request(GET, { Host: ["127.0.0.1", "evil.example"] }), fates.failed],
  ["two Hosts in one header", request(GET, { Host: "127.0.0.1, evil.example" }), fates.nothingThere],
  ["an empty Host", request(GET, { Host: "" }), fates.nothingThere],
  ["a Host that is none", request(GET, { Host: "a b@[:::" }), fates.nothingThere],
  [
    "a Host that holds a path",
    request("GET /nothing HTTP/1.1", { Host: "127.0.0.1/ws?user_id=m&" }),
    fates.nothingThere,
  ],
  ["a Host that hides the path", request(GET, { Host: "127.0.0.1/metrics?" }), fates.nothingThere],
]);

const headers = rows("RFC 9112, 5", [
  ["a header that goes on in the next line", withLines("X-A: b", " c"), fates.notHttp],
  ["an Upgrade that stands in the next line", request(GET, { Upgrade: "\r\n websocket" }), fates.notHttp],
  ["a space before the colon", withLines("X-A : b"), fates.notHttp],
  ["a line without a colon", withLines("nonsense"), fates.notHttp],
  ["a header without a name", withLines(": b"), fates.notHttp],
  ["a NUL in a header's name", withLines("X\0A: b"), fates.notHttp],
  ["a NUL in a header's value", withLines("X-A: b\0c"), fates.notHttp],
  ["a CR in a header's value", withLines("X-A: b\rc"), fates.notHttp],
  ["bytes above ASCII in a header's value", withLines("X-A: \xff\xfe"), fates.accepted],
  ["__proto__ and constructor as headers", withLines("__proto__: x", "constructor: y"), fates.accepted],
  ["150 headers more", withLines(...Array.from({ length: 150 }, (_, n) => `X-${n}: 1`)), fates.accepted],
  ["300 headers more", withLines(...Array.from({ length: 300 }, (_, n) => `X-${n}: 1`)), fates.tooLarge],
  ["a header of 20 KB", withLines(`X-A: ${"x".repeat(20_000)}`), fates.tooLarge],
  ["a header of 1 MB", withLines(`X-A: ${"x".repeat(1_000_000)}`), fates.tooLarge],
  ["a cookie of 10 KB", withLines(`Cookie: ${"a=b; ".repeat(2_000)}`), fates.accepted],
  ["an address of 64 KB", request(`GET ${PATH}&x=${"y".repeat(65_536)} HTTP/1.1`), fates.tooLarge],
  ["an address of 8 KB", request(`GET ${PATH}&x=${"y".repeat(8_000)} HTTP/1.1`), fates.accepted],
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
  ].map((path) => [`the path ${path}`, request(`GET ${path} HTTP/1.1`), fates.nothingThere] as const),
  ...["*", "ws?user_id=m", "\\ws?user_id=m", "ws://x/ws?user_id=m", ""].map(
    (path) => [`the path "${path}"`, request(`GET ${path} HTTP/1.1`), fates.notHttp] as const,
  ),
  ["an absolute address", request(`GET http://127.0.0.1${PATH} HTTP/1.1`), fates.accepted],
  ...[
    "/ws",
    "/ws?",
    "/ws?user_id=",
    "/ws?user_id=*",
    "/ws?user_id=%00",
    "/ws?user_id=a%0d%0aX:y",
    "/ws?user_id=a&user_id=b",
    `/ws?user_id=${"x".repeat(257)}`,
  ].map(
    (path) => [`the user of ${path.slice(0, 40)}`, request(`GET ${path} HTTP/1.1`), fates.nobody] as const,
  ),
]);

const bodies = rows("RFC 9112, 6; RFC 6455 knows no body", [
  ["a length of 0", request(GET, { "Content-Length": "0" }), fates.accepted],
  ["a body", request(GET, { "Content-Length": "5" }, "hello"), fates.failed],
  ["a body that does not come", request(GET, { "Content-Length": "5" }), fates.failed],
  ["a body in chunks", request(GET, { "Transfer-Encoding": "chunked" }, "0\r\n\r\n"), fates.failed],
  ...["-1", "+5", "0x5", "5, 5", "5;", "99999999999999999999999"].map(
    (length) =>
      [`the length "${length}"`, request(GET, { "Content-Length": length }, "hello"), fates.notHttp] as const,
  ),
  ["two lengths", request(GET, { "Content-Length": ["5", "6"] }, "hello!"), fates.notHttp],
  [
    "a length and chunks",
    request(GET, { "Content-Length": "5", "Transfer-Encoding": "chunked" }, "0\r\n\r\n"),
    fates.notHttp,
  ],
  [
    "an unknown transfer encoding",
    request(GET, { "Transfer-Encoding": "xchunked" }, "0\r\n\r\n"),
    fates.notHttp,
  ],
  [
    "two transfer encodings",
    request(GET, { "Transfer-Encoding": ["chunked", "identity"] }, "0\r\n\r\n"),
    fates.notHttp,
  ],
  [
    "a transfer encoding with a space before its colon",
    withLines("Transfer-Encoding : chunked"),
    fates.notHttp,
  ],
]);

/** Handshakes by the request that carries them, right and wrong. */
export const byRequest: Readonly<Record<string, readonly Handshake[]>> = {
  method: methods,
  "version of HTTP": notHttp11,
  host: hosts,
  header: headers,
  path: paths,
  body: bodies,
};
