import { createHmac } from "node:crypto";
import type { Socket } from "bun";
import { answerCalls } from "./child.ts";
import { LoadConnection } from "./connection.ts";
import type { LoadCalls, LoadReport, OpenOptions } from "./load.ts";
import { Tally } from "./tally.ts";
import { userId } from "./update-text.ts";

const TOKEN_SECONDS = 3_600;

const tally = new Tally();
const sockets = new Set<Socket<LoadConnection>>();

function token(user: string, secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_SECONDS;
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

function handshake(index: number, { port, secret, speaksTidings, since, firstUser }: OpenOptions): string {
  const user = userId(index);
  const query = new URLSearchParams(secret === undefined ? { user_id: user } : {});
  const place = since?.[index - firstUser];
  if (place !== undefined) query.set("since", place);
  const path = query.size === 0 ? "/ws" : `/ws?${query.toString()}`;
  const credential = secret === undefined ? "" : `Authorization: Bearer ${token(user, secret)}\r\n`;
  const protocol = speaksTidings === true ? "Sec-WebSocket-Protocol: tidings.v1\r\n" : "";
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n${credential}${protocol}\r\n`
  );
}

async function connectOne(port: number, user: number, request: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const connection = new LoadConnection(user, tally, resolve);
  await Bun.connect<LoadConnection>({
    hostname: "127.0.0.1",
    port,
    data: connection,
    socket: {
      open(socket) {
        sockets.add(socket);
        socket.write(request);
      },
      data: (socket, bytes) => socket.data.received(socket, bytes),
      end: (socket) => void socket.end(),
      close(socket) {
        sockets.delete(socket);
        socket.data.closed();
      },
      error() {},
    },
  }).catch(() => connection.closed());
  return promise;
}

function report(): LoadReport {
  const { latency, closes, ...counts } = tally;
  return { ...counts, closes: [...closes], latency: latency.summary() };
}

answerCalls({
  async open(options) {
    const { port, firstUser, users, count, atOnce = 100 } = options;
    const queue = Array.from({ length: count }, (_, index) => {
      const user = firstUser + (index % users);
      return { user, request: handshake(user, options) };
    });
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        await connectOne(port, next.user, next.request);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return { open: tally.open, refused: tally.refused };
  },
  mark: () => tally.mark(),
  count: () => ({ open: tally.open, frames: tally.frames }),
  report,
  lap() {
    const lap = report();
    tally.mark();
    return lap;
  },
  stopReading() {
    for (const socket of sockets) socket.pause();
  },
  leave() {
    for (const socket of sockets) socket.data.leave(socket);
  },
  vanish() {
    for (const socket of sockets) socket.terminate();
  },
} satisfies LoadCalls);
