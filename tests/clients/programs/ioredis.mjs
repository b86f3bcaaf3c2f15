// Does with ioredis what a worker does. What it prints, and when it ends: tests/clients/trial.ts.
import { Redis } from "ioredis";

const [port, channel, protocol] = process.argv.slice(2);
const options = {
  connectionName: "trial",
  username: "worker",
  password: "secret",
  protocol: Number(protocol),
};
const client = new Redis({ host: "127.0.0.1", port: Number(port), ...options });
const subscriber = client.duplicate();
for (const each of [client, subscriber]) each.on("error", (error) => console.error(error.message));
console.log("ping", await client.ping());
await subscriber.subscribe(channel);
const stopped = new Promise((resolve, reject) => {
  subscriber.on("message", (_, message) => {
    if (message === "stop") return resolve();
    console.log("message", message);
    if (message === "restarted") client.publish(channel, "back").catch(reject);
  });
});
console.log("published", await client.publish(channel, "one"));
const replies = await client.multi().publish(channel, "two").publish(channel, "three").exec();
console.log("pipeline", ...replies.map(([error, reached]) => error ?? reached));
const key = "tidings:{ann}:log";
const update = '{"target_user_id":"ann","type":"t","payload":{"text":"é"}}';
console.log("stored", await client.fcall("tidings_publish", 1, key, update));
console.log("refused", (await client.fcall("tidings_publish", 1, key, "{").catch((error) => error)).message);
await stopped;
await subscriber.unsubscribe(channel);
await Promise.all([client.quit(), subscriber.quit()]);
