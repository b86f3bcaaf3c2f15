// A worker: publishes the event "update" once, to the user that is named or to everyone ("*").

import { Emitter } from "@socket.io/redis-emitter";
import { createClient } from "redis";

const [target, update] = process.argv.slice(2);
const client = createClient({ url: `redis://127.0.0.1:${process.env.REDIS_PORT}` });
await client.connect();
const emitter = new Emitter(client);
(target === "*" ? emitter : emitter.to(target)).emit("update", JSON.parse(update));
await client.close();
