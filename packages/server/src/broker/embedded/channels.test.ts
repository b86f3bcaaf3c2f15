import { expect, test } from "bun:test";
import fc from "fast-check";
import { nameKey, ownBytes, textOf } from "./channel-name.ts";
import { ChannelRegistry, type Subscriber } from "./channels.ts";

function recorder(): Subscriber & { readonly seen: string[] } {
  const seen: string[] = [];
  return {
    seen,
    deliver: (channel, data, pattern) =>
      seen.push(`${pattern === null ? "" : `${textOf(pattern)} `}${textOf(channel)}=${textOf(data)}`),
  };
}

test("a message reaches each subscriber as often as it asked, by channel and by pattern", () => {
  const channels = new ChannelRegistry();
  const [plain, both, other] = [recorder(), recorder(), recorder()];
  channels.subscribe(ownBytes("updates"), plain);
  channels.subscribe(ownBytes("updates"), both);
  channels.subscribe(ownBytes("updates"), both);
  channels.subscribePattern(ownBytes("up*"), both);
  channels.subscribePattern(ownBytes("down*"), other);
  expect(channels.publish(ownBytes("updates"), ownBytes("x"))).toBe(3);
  expect(plain.seen).toEqual(["updates=x"]);
  expect(both.seen).toEqual(["updates=x", "up* updates=x"]);
  expect(other.seen).toEqual([]);
});

test("a subscriber that leaves while a message is handed out does not get it any more", () => {
  const channels = new ChannelRegistry();
  const late = recorder();
  channels.subscribe(ownBytes("updates"), {
    deliver: () => channels.unsubscribe(ownBytes("updates"), late),
  });
  channels.subscribe(ownBytes("updates"), late);
  expect(channels.publish(ownBytes("updates"), ownBytes("x"))).toBe(1);
  expect(late.seen).toEqual([]);
});

test("names that are not UTF-8 stay apart", () => {
  const channels = new ChannelRegistry();
  const subscriber = recorder();
  channels.subscribe(new Uint8Array([0xff]), subscriber);
  expect(channels.publish(new Uint8Array([0xfe]), ownBytes("x"))).toBe(0);
  expect(channels.publish(new Uint8Array([0xff]), ownBytes("x"))).toBe(1);
});

test("any sequence of subscribing and leaving counts as a set of pairs does, and nothing is left at the end", () => {
  const subscribers = [recorder(), recorder(), recorder()];
  const step = fc.record({
    add: fc.boolean(),
    who: fc.nat({ max: 2 }),
    channel: fc.uint8Array({ maxLength: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const channels = new ChannelRegistry();
      const model = new Map<string, { readonly who: Subscriber; readonly channel: Uint8Array }>();
      for (const { add, who, channel } of steps) {
        const subscriber = subscribers[who] ?? recorder();
        const pair = `${who} ${nameKey(channel)}`;
        if (add) {
          channels.subscribe(channel, subscriber);
          model.set(pair, { who: subscriber, channel });
        } else {
          channels.unsubscribe(channel, subscriber);
          model.delete(pair);
        }
        const expected = [...model.values()].filter(
          (entry) => nameKey(entry.channel) === nameKey(channel),
        ).length;
        expect(channels.subscriberCount(channel)).toBe(expected);
        expect(channels.publish(channel, ownBytes(""))).toBe(expected);
      }
      for (const { who, channel } of model.values()) channels.unsubscribe(channel, who);
      expect(channels.channelNames()).toEqual([]);
    }),
  );
});
