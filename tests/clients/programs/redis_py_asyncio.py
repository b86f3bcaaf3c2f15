"""Does with redis-py (asyncio) what a worker does. What it prints, and when it ends: tests/clients/trial.ts."""

import asyncio
import sys

import redis.asyncio as redis


async def listen(client: redis.Redis, channel: str, subscribed: asyncio.Event) -> None:
    subscription = client.pubsub()
    await subscription.subscribe(channel)
    async for item in subscription.listen():
        if item["type"] == "subscribe":
            subscribed.set()
        elif item["data"] == b"stop":
            await subscription.aclose()
            return
        else:
            print("message", item["data"].decode(), flush=True)
            if item["data"] == b"restarted":
                await client.publish(channel, "back")


async def main(port: int, channel: str, protocol: int) -> None:
    client = redis.Redis(
        host="127.0.0.1", port=port, protocol=protocol, client_name="trial", username="worker", password="secret"
    )
    print("ping", "PONG" if await client.ping() else "?", flush=True)
    subscribed = asyncio.Event()
    listener = asyncio.create_task(listen(client, channel, subscribed))
    await subscribed.wait()
    print("published", await client.publish(channel, "one"), flush=True)
    async with client.pipeline(transaction=True) as pipeline:
        pipeline.publish(channel, "two")
        pipeline.publish(channel, "three")
        print("pipeline", *(await pipeline.execute()), flush=True)
    key, update = "tidings:{ann}:log", '{"target_user_id":"ann","type":"t","payload":{"text":"é"}}'
    print("stored", (await client.fcall("tidings_publish", 1, key, update)).decode(), flush=True)
    try:
        await client.fcall("tidings_publish", 1, key, "{")
    except redis.ResponseError as error:
        print("refused", error, flush=True)
    await listener
    await client.aclose()


asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
