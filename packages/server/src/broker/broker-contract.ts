import { describe, expect, test } from "bun:test";
import {
  type Broker,
  type BrokerEvents,
  type BrokerHealth,
  BrokerUnavailable,
  type Subscriptions,
} from "./broker.ts";
import { eventually } from "../../../../tests/support/eventually.ts";

/** What a broker under test is made from. */
export interface BrokerUnderTestOptions {
  readonly subscriptions: Subscriptions;
  readonly events?: BrokerEvents;
}

/** A broker that was made but not started, and a way to publish that goes past it. */
export interface BrokerUnderTest extends AsyncDisposable {
  readonly broker: Broker;
  /**
   * Publishes as a worker would, over one connection of its own, in the order of the calls.
   * Resolves when the message was taken.
   */
  publishRaw(channel: string, data: string | Uint8Array): Promise<void>;
}

/** Makes a fresh broker, not started, for one test. */
export type MakeBroker = (options: BrokerUnderTestOptions) => Promise<BrokerUnderTest>;

/** Runs the promises of {@link Broker} as tests against the brokers that `make` makes. */
export function describeBrokerContract(name: string, make: MakeBroker): void {
  describe(`${name} keeps the contract of a broker`, () => {
    describeDelivery(make);
    describePublish(make);
    describeClaims(make);
    describeHealth(make);
    describeClose(make);
  });
}

function describeDelivery(make: MakeBroker): void {
  test("a message reaches its channel's handler with exactly the published bytes", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
    const invalidUtf8 = new Uint8Array([0xff, 0xfe, 0xc0, 0x80, 0x0d, 0x0a, 0x00, 0xed, 0xa0, 0x80]);
    const messages = [everyByte, invalidUtf8, new Uint8Array(0), bytes('{"n":1e400,"s":"é😀"}')];
    for (const message of messages) await it.publishRaw("updates", message);
    expect(await inbox.take(messages.length)).toEqual(messages);
  });

  test("a message of 1 MiB arrives whole, and so does the one after it", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    const large = Uint8Array.from({ length: 1_048_576 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
    await it.publishRaw("updates", large);
    await it.publishRaw("updates", "after");
    const [first, second] = await inbox.take(2);
    expect(first !== undefined && Buffer.compare(first, large) === 0).toBe(true);
    expect(second).toEqual(bytes("after"));
  });

  test("messages arrive once each and in the order in which they were published", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    const sent = Array.from({ length: 1_000 }, (_, index) => String(index));
    await Promise.all(sent.map((text) => it.publishRaw("updates", text)));
    await it.publishRaw("updates", "end");
    expect((await inbox.take(sent.length + 1)).map(text)).toEqual([...sent, "end"]);
    expect(inbox.length).toBe(0);
  });

  test("each channel has its own handler, and a channel without one reaches nobody", async () => {
    const updates = new Inbox();
    const control = new Inbox();
    const subscriptions = new Map([
      ["updates", updates.handler],
      ["control", control.handler],
    ]);
    await using it = await started(make, { subscriptions });
    await it.publishRaw("other", "for nobody");
    await it.publishRaw("updates", "for updates");
    await it.publishRaw("control", "for control");
    expect((await updates.take(1)).map(text)).toEqual(["for updates"]);
    expect((await control.take(1)).map(text)).toEqual(["for control"]);
    expect([updates.length, control.length]).toEqual([0, 0]);
  });

  test("a handler that throws is reported and the messages after it arrive", async () => {
    const inbox = new Inbox();
    const errors: unknown[] = [];
    const fault = new Error("a bug of the handler's owner");
    const handler = (message: Uint8Array): void => {
      if (text(message) === "bad") throw fault;
      inbox.handler(message);
    };
    const events: BrokerEvents = { onHandlerError: (error) => errors.push(error) };
    await using it = await started(make, { subscriptions: new Map([["updates", handler]]), events });
    await Promise.all(["one", "bad", "two"].map((message) => it.publishRaw("updates", message)));
    expect((await inbox.take(2)).map(text)).toEqual(["one", "two"]);
    expect(errors).toEqual([fault]);
    expect(it.broker.health.ok).toBe(true);
  });
}

function describePublish(make: MakeBroker): void {
  test("publish returns how many subscribers each message reached", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    expect(await it.broker.publish([{ channel: "updates", data: "one" }])).toEqual([1]);
    expect(await it.broker.publish([{ channel: "nobody", data: "two" }])).toEqual([0]);
    const both = [
      { channel: "nobody", data: "three" },
      { channel: "updates", data: "four" },
    ];
    expect(await it.broker.publish(both)).toEqual([0, 1]);
    expect((await inbox.take(2)).map(text)).toEqual(["one", "four"]);
  });

  test("counts who listens on exactly a channel", async () => {
    const subscriptions = new Map([["updates", new Inbox().handler]]);
    await using it = await started(make, { subscriptions });
    expect(await it.broker.countSubscribers("updates")).toBe(1);
    expect(await it.broker.countSubscribers("nobody")).toBe(0);
    await it.broker.close();
    expect(await rejection(it.broker.countSubscribers("updates"))).toBeInstanceOf(BrokerUnavailable);
  });

  test("several messages in one publish all arrive, in order and with their bytes unchanged", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    const sent = Array.from({ length: 100 }, (_, index) => new Uint8Array([0xff, index, 0x0d, 0x0a]));
    const receivers = await it.broker.publish(sent.map((data) => ({ channel: "updates", data })));
    expect(receivers).toEqual(sent.map(() => 1));
    expect(await inbox.take(sent.length)).toEqual(sent);
  });

  test("publish takes a view into a larger buffer, and text as UTF-8", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    await it.broker.publish([{ channel: "updates", data: bytes("[inside]").subarray(1, 7) }]);
    await it.broker.publish([{ channel: "updates", data: "é😀" }]);
    expect((await inbox.take(2)).map(text)).toEqual(["inside", "é😀"]);
  });

  test("what is posted arrives once each, in order, text as UTF-8", async () => {
    const inbox = new Inbox();
    await using it = await started(make, { subscriptions: new Map([["updates", inbox.handler]]) });
    const sent = Array.from({ length: 1_000 }, (_, index) => `${index} é😀\r\n$1`);
    await Promise.all(sent.slice(0, 500).map((message) => it.broker.post("updates", message)));
    for (const message of sent.slice(500)) await it.broker.post("updates", message);
    await it.broker.publish([{ channel: "updates", data: "end" }]);
    expect((await inbox.take(sent.length + 1)).map(text)).toEqual([...sent, "end"]);
    expect(inbox.length).toBe(0);
  });

  test("post rejects with BrokerUnavailable before the start and after the close", async () => {
    await using it = await make({ subscriptions: new Map() });
    expect(await rejection(it.broker.post("updates", "too early"))).toBeInstanceOf(BrokerUnavailable);
    it.broker.start();
    await eventually("health is good", () => it.broker.health.ok);
    await it.broker.post("updates", "in time");
    await it.broker.close();
    expect(await rejection(it.broker.post("updates", "too late"))).toBeInstanceOf(BrokerUnavailable);
  });

  test("publishing no message returns no count", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    expect(await it.broker.publish([])).toEqual([]);
  });

  test("publish rejects with BrokerUnavailable before the start and after the close", async () => {
    await using it = await make({ subscriptions: new Map() });
    const message = { channel: "updates", data: "too early or too late" };
    expect(await rejection(it.broker.publish([message]))).toBeInstanceOf(BrokerUnavailable);
    it.broker.start();
    await eventually("health is good", () => it.broker.health.ok);
    await it.broker.close();
    expect(await rejection(it.broker.publish([message]))).toBeInstanceOf(BrokerUnavailable);
    expect(await rejection(it.broker.publish([message, message]))).toBeInstanceOf(BrokerUnavailable);
  });
}

function describeClaims(make: MakeBroker): void {
  test("a key is claimed by exactly one of those who claim it", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    const claims = Array.from({ length: 50 }, () => it.broker.claimOnce("tidings:ticket:one", 60_000));
    expect((await Promise.all(claims)).filter(Boolean)).toHaveLength(1);
    expect(await it.broker.claimOnce("tidings:ticket:one", 60_000)).toBe(false);
    expect(await it.broker.claimOnce("tidings:ticket:two", 60_000)).toBe(true);
  });

  test("a key can be claimed again once the time of its claim is over", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    expect(await it.broker.claimOnce("tidings:ticket:one", 20)).toBe(true);
    await eventually("the claim is over", () => it.broker.claimOnce("tidings:ticket:one", 60_000));
    expect(await it.broker.claimOnce("tidings:ticket:one", 60_000)).toBe(false);
  });

  test("nothing can be claimed from a broker that does not run", async () => {
    await using it = await make({ subscriptions: new Map() });
    expect(await rejection(it.broker.claimOnce("tidings:ticket:one", 60_000))).toBeInstanceOf(
      BrokerUnavailable,
    );
    it.broker.start();
    await it.broker.close();
    expect(await rejection(it.broker.claimOnce("tidings:ticket:one", 60_000))).toBeInstanceOf(
      BrokerUnavailable,
    );
  });
}

function describeHealth(make: MakeBroker): void {
  test("health is bad with a reason before the start, and good with a lag after it", async () => {
    const changes: BrokerHealth[] = [];
    const lags: number[] = [];
    const events: BrokerEvents = { onHealth: (it) => changes.push(it), onLag: (lag) => lags.push(lag) };
    await using it = await make({ subscriptions: new Map(), events });
    const before = it.broker.health;
    expect(before.ok ? "" : before.reason).not.toBe("");
    it.broker.start();
    await eventually("health is good", () => it.broker.health.ok);
    const after = it.broker.health;
    expect(after.ok && after.lagMs >= 0).toBe(true);
    await eventually("a lag was told", () => lags.length > 0);
    expect(changes.map((change) => change.ok)).toEqual([true]);
  });
}

function describeClose(make: MakeBroker): void {
  test("close can be called again and at once, and makes health bad", async () => {
    await using it = await started(make, { subscriptions: new Map() });
    await Promise.all([it.broker.close(), it.broker.close()]);
    await it.broker.close();
    const health = it.broker.health;
    expect(health.ok ? "" : health.reason).not.toBe("");
  });

  test("a broker that was never started closes", async () => {
    await using it = await make({ subscriptions: new Map() });
    await it.broker.close();
    expect(it.broker.health.ok).toBe(false);
  });

  test("a broker that was closed stays closed when it is started", async () => {
    await using it = await make({ subscriptions: new Map() });
    await it.broker.close();
    it.broker.start();
    const message = { channel: "updates", data: "x" };
    expect(await rejection(it.broker.publish([message]))).toBeInstanceOf(BrokerUnavailable);
  });

  test("no handler is called after close", async () => {
    const closing = new Inbox();
    const staying = new Inbox();
    await using one = await started(make, { subscriptions: new Map([["updates", closing.handler]]) });
    await using other = await started(make, { subscriptions: new Map([["updates", staying.handler]]) });
    await one.publishRaw("updates", "before");
    await closing.take(1);
    await one.broker.close();
    await one.publishRaw("updates", "after");
    await other.publishRaw("updates", "after");
    await eventually("the other broker went on", () => staying.length > 0);
    expect(closing.length).toBe(0);
  });

  test("a handler that closes the broker gets no further message", async () => {
    const seen: string[] = [];
    let close = (): void => {};
    const handler = (message: Uint8Array): void => {
      seen.push(text(message));
      close();
    };
    await using it = await started(make, { subscriptions: new Map([["updates", handler]]) });
    let closed: Promise<void> | undefined;
    close = () => {
      closed = it.broker.close();
    };
    await Promise.all(["one", "two", "three"].map((message) => it.publishRaw("updates", message)));
    await eventually("the broker was closed", () => closed !== undefined);
    await closed;
    await it.publishRaw("updates", "four");
    expect(seen).toEqual(["one"]);
  });
}

/** Makes a broker and starts it; resolves once its health is good. */
export async function started(make: MakeBroker, options: BrokerUnderTestOptions): Promise<BrokerUnderTest> {
  const it = await make(options);
  it.broker.start();
  await eventually("health is good", () => it.broker.health.ok);
  return it;
}

/** Keeps copies of the messages that a handler was given. */
class Inbox {
  readonly #messages: Uint8Array[] = [];

  readonly handler = (message: Uint8Array): void => {
    this.#messages.push(Uint8Array.from(message));
  };

  get length(): number {
    return this.#messages.length;
  }

  async take(count: number): Promise<Uint8Array[]> {
    await eventually(`${count} messages arrived`, () => this.#messages.length >= count);
    return this.#messages.splice(0, count);
  }
}

/** What the promise is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("expected a rejection");
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
