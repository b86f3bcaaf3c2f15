import { expect, test } from "bun:test";
import { systemClock } from "../../clock.ts";
import type { BrokerEvents, Subscriptions } from "../broker.ts";
import { describeBrokerContract, type MakeBroker } from "../broker-contract.ts";
import { describeMarkContract } from "../mark-contract.ts";
import { ownBytes, textOf } from "./channel-name.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";
import { startRespServer } from "./resp-server.ts";
import { RawConnection } from "./resp-test-client.ts";

const make: MakeBroker = async ({ subscriptions, events }) => {
  const broker = makeBroker(subscriptions, events);
  const server = startRespServer({ port: 0, channels: broker.channels, clock: systemClock });
  const worker = await RawConnection.open(server.port);
  let last: Promise<void> = Promise.resolve();
  return {
    broker,
    publishRaw(channel, data) {
      last = last.then(async () => {
        const listeners = broker.channels.subscriberCount(ownBytes(channel));
        await worker.ask(["PUBLISH", channel, data], `:${listeners}\r\n`);
      });
      return last;
    },
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      server.stop();
      await broker.close();
    },
  };
};

describeBrokerContract("the embedded broker", make);
describeMarkContract("the embedded broker", make);

test("a publisher's count adds the relay to the programs that listen on the port", async () => {
  const broker = makeBroker(new Map([["updates", () => {}]]));
  using server = startRespServer({ port: 0, channels: broker.channels, clock: systemClock });
  broker.start();
  await using listener = await RawConnection.open(server.port);
  await listener.ask(["SUBSCRIBE", "updates"], "*3\r\n$9\r\nsubscribe\r\n$7\r\nupdates\r\n:1\r\n");
  await using worker = await RawConnection.open(server.port);
  await worker.ask(["PUBLISH", "updates", "x"], ":2\r\n");
  await listener.expect("*3\r\n$7\r\nmessage\r\n$7\r\nupdates\r\n$1\r\nx\r\n");
  expect(await broker.publish([{ channel: "updates", data: "y" }])).toEqual([2]);
  await broker.close();
  await worker.ask(["PUBLISH", "updates", "z"], ":1\r\n");
});

test("what the relay publishes reaches a program that subscribed on the port", async () => {
  const broker = makeBroker(new Map());
  using server = startRespServer({ port: 0, channels: broker.channels, clock: systemClock });
  broker.start();
  await using worker = await RawConnection.open(server.port);
  await worker.ask(["PSUBSCRIBE", "in*"], "*3\r\n$10\r\npsubscribe\r\n$3\r\nin*\r\n:1\r\n");
  expect(await broker.publish([{ channel: "inbound", data: new Uint8Array([0, 255]) }])).toEqual([1]);
  await worker.expect("*4\r\n$8\r\npmessage\r\n$3\r\nin*\r\n$7\r\ninbound\r\n$2\r\n\x00\xff\r\n");
  await broker.close();
});

test("the bytes given to publish are taken at once, so the caller may reuse them", async () => {
  const seen: string[] = [];
  const broker = makeBroker(new Map([["updates", (message) => seen.push(textOf(message))]]));
  broker.start();
  const bytes = ownBytes("before");
  const published = broker.publish([{ channel: "updates", data: bytes }]);
  bytes.fill(0);
  await published;
  expect(seen).toEqual(["before"]);
});

test("a message published by a handler is delivered after the one in hand, to everyone", async () => {
  const first: string[] = [];
  const second: string[] = [];
  const one = makeBroker(
    new Map([
      [
        "updates",
        (message) => {
          first.push(textOf(message));
          if (textOf(message) === "question") void one.publish([{ channel: "updates", data: "answer" }]);
        },
      ],
    ]),
  );
  const other = new EmbeddedBroker({
    subscriptions: new Map([["updates", (message) => second.push(textOf(message))]]),
    clock: systemClock,
    channels: one.channels,
  });
  one.start();
  other.start();
  await other.publish([{ channel: "updates", data: "question" }]);
  await one.publish([]);
  expect([first, second]).toEqual([
    ["question", "answer"],
    ["question", "answer"],
  ]);
});

test("a broker leaves nothing in the registry after it closed", async () => {
  const broker = makeBroker(new Map([["updates", () => {}]]));
  broker.start();
  expect(broker.channels.channelNames().map(textOf)).toEqual(["updates"]);
  await broker.close();
  expect(broker.channels.channelNames()).toEqual([]);
});

function makeBroker(subscriptions: Subscriptions, events: BrokerEvents = {}): EmbeddedBroker {
  return new EmbeddedBroker({ subscriptions, events, clock: systemClock });
}
