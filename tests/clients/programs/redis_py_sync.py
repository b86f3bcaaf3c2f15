"""Does with redis-py (sync) what a worker does. What it prints, and when it ends: tests/clients/trial.ts."""

import sys
import threading

import redis

port, channel, protocol = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
client = redis.Redis(
    host="127.0.0.1", port=port, protocol=protocol, client_name="trial", username="worker", password="secret"
)


def say(*words: object) -> None:
    """Prints one line in one write, so that two threads cannot mix theirs."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


say("ping", "PONG" if client.ping() else "?")

subscribed = threading.Event()


def listen() -> None:
    subscription = client.pubsub()
    subscription.subscribe(channel)
    for item in subscription.listen():
        if item["type"] == "subscribe":
            subscribed.set()
        elif item["data"] == b"stop":
            return
        else:
            say("message", item["data"].decode())
            if item["data"] == b"restarted":
                client.publish(channel, "back")


listener = threading.Thread(target=listen)
listener.start()
subscribed.wait()
say("published", client.publish(channel, "one"))
pipeline = client.pipeline()
pipeline.publish(channel, "two")
pipeline.publish(channel, "three")
say("pipeline", *pipeline.execute())
key, update = "tidings:{ann}:log", '{"target_user_id":"ann","type":"t","payload":{"text":"é"}}'
say("stored", client.fcall("tidings_publish", 1, key, update).decode())
try:
    client.fcall("tidings_publish", 1, key, "{")
except redis.ResponseError as error:
    say("refused", error)
listener.join()
