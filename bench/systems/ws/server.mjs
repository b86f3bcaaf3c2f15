// The relay as most TypeScript teams write it: ws, ioredis and jsonwebtoken on Node.js.

import { createServer } from "node:http";
import { Redis } from "ioredis";
import jwt from "jsonwebtoken";
import { WebSocket, WebSocketServer } from "ws";

const { PORT, REDIS_PORT, JWT_SECRET } = process.env;
const HEARTBEAT_MS = 30_000;
const users = new Map();

const publisher = new Redis({ host: "127.0.0.1", port: Number(REDIS_PORT), enableAutoPipelining: true });
const subscriber = new Redis({ host: "127.0.0.1", port: Number(REDIS_PORT) });
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 * 1024 });

function send(socket, text) {
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
}

subscriber.on("message", (_, message) => {
  const { target_user_id: target, ...update } = JSON.parse(message);
  if (target === "*") {
    const text = JSON.stringify(update);
    for (const socket of sockets.clients) send(socket, text);
    return;
  }
  const mine = users.get(target);
  if (mine === undefined) return;
  const text = JSON.stringify(update);
  for (const socket of mine) send(socket, text);
});
await subscriber.subscribe("updates");

sockets.on("connection", (socket, _, user) => {
  const mine = users.get(user) ?? new Set();
  users.set(user, mine.add(socket));
  socket.isAlive = true;
  socket.on("pong", () => (socket.isAlive = true));
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    mine.delete(socket);
    if (mine.size === 0) users.delete(user);
  });
  socket.on("message", (data) => {
    const { type, payload } = JSON.parse(data.toString());
    void publisher.publish("inbound", JSON.stringify({ user_id: user, type, payload }));
  });
});

setInterval(() => {
  for (const socket of sockets.clients) {
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
}, HEARTBEAT_MS);

const server = createServer((_, response) => response.end());
server.on("upgrade", (request, socket, head) => {
  try {
    const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const { sub } = jwt.verify(token, JWT_SECRET, { algorithms: ["HS256"] });
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit("connection", ws, request, sub));
  } catch {
    socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
  }
});
server.listen({ host: "127.0.0.1", port: Number(PORT), backlog: 4_096 });
