// Socket.IO with its Redis adapter: one room a user, and workers that publish by its Redis emitter.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import jwt from "jsonwebtoken";
import { createClient } from "redis";
import { Server } from "socket.io";

const { PORT, REDIS_PORT, JWT_SECRET } = process.env;
const publisher = createClient({ url: `redis://127.0.0.1:${REDIS_PORT}` });
const subscriber = publisher.duplicate();
await Promise.all([publisher.connect(), subscriber.connect()]);

const http = createServer((_, response) => response.end());
const io = new Server(http, {
  adapter: createAdapter(publisher, subscriber),
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});

io.use((socket, next) => {
  try {
    const { sub } = jwt.verify(socket.handshake.auth.token, JWT_SECRET, { algorithms: ["HS256"] });
    socket.data.user = sub;
    next();
  } catch {
    next(new Error("unauthorized"));
  }
});
io.on("connection", (socket) => {
  // Documented to save memory: the first request is not needed again.
  delete socket.conn.request;
  void socket.join(socket.data.user);
  socket.on("message", ({ type, payload }) => {
    void publisher.publish("inbound", JSON.stringify({ user_id: socket.data.user, type, payload }));
  });
});
http.listen({ host: "127.0.0.1", port: Number(PORT), backlog: 4_096 });
