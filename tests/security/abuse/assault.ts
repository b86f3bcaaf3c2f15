import { createHmac } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Target } from "./attacker.ts";

/** One kind of attack: goes on until `assault.isOver`, and counts what it tries. */
export type Wave = (assault: Assault) => Promise<void>;

/** How long an attacker waits for an answer before it goes on, in milliseconds. */
const PATIENCE_MS = 2_000;

/** How long an attacker rests between two rounds. Without it the attacker's own process would be what is measured. */
const REST_MS = 5;

/** One attack while it lasts: its target, its sockets, and how often it tried. */
export class Assault implements AsyncDisposable {
  readonly target: Target;
  attempts = 0;
  readonly #sockets = new Set<Socket>();
  readonly #endsAt: number;

  constructor(target: Target, forMs: number) {
    this.target = target;
    this.#endsAt = performance.now() + forMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endsAt;
  }

  /** Runs `round` again and again on `lanes` lanes at once; a round that fails is an attempt as any other. */
  async repeat(lanes: number, round: () => Promise<void>, restMs: number = REST_MS): Promise<void> {
    const lane = async (): Promise<void> => {
      while (!this.isOver) {
        this.attempts += 1;
        await round().catch(() => {});
        await Bun.sleep(restMs);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }

  /** A TCP connection to the relay that throws nothing, and is let go of when the attack is over. */
  socket(): Socket {
    const socket = connect(this.target.port, "127.0.0.1");
    this.#sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => this.#sockets.delete(socket));
    return socket;
  }

  /** A finished handshake of a user who may come in; rejects where the relay refuses it. */
  async enter(user: string, more: readonly string[] = []): Promise<Socket> {
    const socket = this.socket();
    socket.write(handshake([`Authorization: Bearer ${token(user, this.target.secret)}`, ...more]));
    const answer = await this.answer(socket);
    if (!answer.startsWith("HTTP/1.1 101")) throw new Error(answer);
    return socket;
  }

  /** The next bytes that come, or nothing where none do. */
  async answer(socket: Socket): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const timer = setTimeout(resolve, PATIENCE_MS, "");
    socket.once("data", (bytes: Buffer) => resolve(bytes.toString("latin1")));
    socket.once("close", () => resolve(""));
    const answer = await promise;
    clearTimeout(timer);
    return answer;
  }

  /** Resolves when the relay let go of the socket, or the attack is over, or after `forMs`. */
  async held(socket: Socket, forMs: number = PATIENCE_MS): Promise<void> {
    const until = performance.now() + forMs;
    while (!socket.destroyed && !this.isOver && performance.now() < until) await Bun.sleep(20);
    socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Bun.sleep(0);
  }
}

/** A handshake with these further lines. */
export function handshake(more: readonly string[] = []): string {
  return [
    "GET /ws HTTP/1.1",
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Version: 13",
    ...more,
    "",
    "",
  ].join("\r\n");
}

/** A token of a user, with this header and these claims in place of the usual ones where they are given. */
export function token(user: string, secret: string, header: object = {}, claims: object = {}): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const signed = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part({ sub: user, exp, ...claims })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** A masked frame whose mask is zero. */
export function frame(firstByte: number, payload: string | Uint8Array = ""): Buffer {
  const body = Buffer.from(payload);
  const long = body.length > 65_535;
  const size = body.length < 126 ? 0 : long ? 8 : 2;
  const head = Buffer.alloc(2 + size + 4);
  head[0] = firstByte;
  head[1] = 0x80 | (size === 0 ? body.length : long ? 127 : 126);
  if (size === 2) head.writeUInt16BE(body.length, 2);
  if (size === 8) head.writeBigUInt64BE(BigInt(body.length), 2);
  return Buffer.concat([head, body]);
}
