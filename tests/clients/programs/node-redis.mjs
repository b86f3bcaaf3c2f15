// Does with node-redis what a worker does. What it prints, and when it ends: tests/clients/trial.ts.
import { createClient } from "@redis/client";

const [port, channel, protocol] = process.argv.slice(2);
const url = `redis://worker:secret@127.0.0.1:${port}`;
const client = createClient({ url, name: "trial", RESP: Number(protocol) });
const subscriber = client.duplicate();
for (const each of [client, subscriber]) {
  each.on("error", (error) => console.error(error.message));
  await each.connect();
}
console.log("ping", await client.ping());
const stopped = new Promise((resolve, reject) => {
  const onMessage = (message) => {
    if (message === "stop") return resolve();
    console.log("message", message);
    if (message === "restarted") client.publish(channel, "back").catch(reject);
  };
  subscriber.subscribe(channel, onMessage).then(publish).catch(reject);
});

async function publish() {
  console.log("published", await client.publish(channel, "one"));
  console.log("pipeline", ...(await client.multi().publish(channel, "two").publish(channel, "three").exec()));
  const store = (update) =>
    client.fCall("tidings_publish", { keys: ["tidings:{ann}:log"], arguments: [update] });
  const update = '{"target_user_id":"ann","type":"t","payload":{"text":"é"}}';
  console.log("stored", await store(update));
  console.log("refused", (await store("{").catch((error) => error)).message);
}

await stopped;
await subscriber.unsubscribe(channel);
await Promise.all([client.close(), subscriber.close()]);
