// The control row: a server that does the least that brings an update from Redis to a socket. It checks
// nothing, bounds nothing and survives nothing; what the relay costs beyond it is the price of its promises.

import type { ServerWebSocket } from "bun";

const BEFORE_LENGTH = "message\r\n$7\r\nupdates\r\n$";
const TARGET = '"target_user_id":"';
const everyone = new Set<ServerWebSocket<string>>();
const users = new Map<string, ServerWebSocket<string>[]>();
let rest = "";

function deliver(update: string): void {
  const from = update.indexOf(TARGET) + TARGET.length;
  const to = update.indexOf('"', from);
  const target = update.slice(from, to);
  const frame = `{${update.slice(to + 2)}`;
  if (target === "*") for (const socket of everyone) socket.send(frame);
  else for (const socket of users.get(target) ?? []) socket.send(frame);
}

function receive(bytes: Uint8Array): void {
  const text = rest + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  let at = 0;
  for (;;) {
    const mark = text.indexOf(BEFORE_LENGTH, at);
    if (mark === -1) break;
    const digits = mark + BEFORE_LENGTH.length;
    const line = text.indexOf("\r\n", digits);
    if (line === -1) break;
    const end = line + 2 + Number(text.slice(digits, line));
    if (text.length < end + 2) break;
    deliver(text.slice(line + 2, end));
    at = end + 2;
  }
  rest = text.slice(at);
}

const server = Bun.serve<string>({
  hostname: "127.0.0.1",
  port: Number(process.env["FLOOR_PORT"]),
  fetch(request, server) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname !== "/ws") return new Response("ready");
    const data = searchParams.get("user_id") ?? "";
    return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 });
  },
  websocket: {
    idleTimeout: 0,
    sendPings: false,
    perMessageDeflate: false,
    open(socket) {
      everyone.add(socket);
      const sockets = users.get(socket.data);
      if (sockets === undefined) users.set(socket.data, [socket]);
      else sockets.push(socket);
    },
    message() {},
    close(socket) {
      everyone.delete(socket);
      const sockets = users.get(socket.data) ?? [];
      if (sockets.length === 1) users.delete(socket.data);
      else sockets.splice(sockets.indexOf(socket), 1);
    },
  },
});

await Bun.connect({
  hostname: "127.0.0.1",
  port: Number(process.env["FLOOR_REDIS_PORT"]),
  socket: {
    open: (socket) => void socket.write("SUBSCRIBE updates\r\n"),
    data: (_, bytes) => receive(bytes),
  },
});
process.on("SIGTERM", () => {
  void server.stop(true);
  process.exit(0);
});
