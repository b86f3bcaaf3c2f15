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

/** An answer, and how it is counted. */
export type Fate = readonly [status: Handshake["status"], counts: Handshake["counts"]];

/** What can become of a request. */
export const fates: Readonly<
  Record<
    | "accepted"
    | "notWebsocket"
    | "wrongVersion"
    | "failed"
    | "foreign"
    | "nobody"
    | "notHttp"
    | "tooLarge"
    | "nothingThere"
    | "cut",
    Fate
  >
> = {
  accepted: [101, "accepted"],
  notWebsocket: [426, "not_websocket"],
  wrongVersion: [426, "failed"],
  failed: [400, "failed"],
  foreign: [403, "origin_refused"],
  nobody: [401, "token_refused"],
  notHttp: [400, null],
  tooLarge: [431, null],
  nothingThere: [404, null],
  cut: [null, null],
};

/** What the usual request asks for. */
export const PATH = "/ws?user_id=mallory";

/** The usual request's line. */
export const GET: string = `GET ${PATH} HTTP/1.1`;

/** A key that is right. */
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

const usual: Readonly<Record<string, string>> = {
  Host: "127.0.0.1",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": KEY,
  "Sec-WebSocket-Version": "13",
};

/** The usual headers with some replaced, left out (null) or given more than once. */
export function request(
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
export function withLines(...lines: readonly string[]): Uint8Array {
  const text = Buffer.from(request(GET)).toString("latin1");
  return Buffer.from(`${text.slice(0, -2)}${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Rows under one rule. */
export function rows(
  rfc: string,
  table: readonly (readonly [string, Uint8Array, Fate])[],
): readonly Handshake[] {
  return table.map(([name, bytes, [status, counts]]) => ({ name, rfc, request: bytes, status, counts }));
}
