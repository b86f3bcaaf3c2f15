import type { Clock, Random } from "../../clock.ts";
import {
  type Broker,
  type BrokerEvents,
  type BrokerHealth,
  type BrokerMessage,
  BrokerUnavailable,
  type Marks,
  type MarkWrite,
  type MessageHandler,
  type Subscriptions,
} from "../broker.ts";
import type { LogBounds, UpdateLog } from "../update-log.ts";
import { ownBytes } from "./channel-name.ts";
import { ChannelRegistry, type Subscriber } from "./channels.ts";
import { Claims } from "./claims.ts";
import { MarkStore } from "./mark-store.ts";
import { LogStore } from "./log-store.ts";
import { MemoryLog } from "./memory-log.ts";

/**
 * Where the broker sends its own message. Redis programs cannot write it by accident: it ends in a zero byte.
 */
const PROBE_CHANNEL = ownBytes("tidings.probe\0");

/** What the broker is made of. */
export interface EmbeddedBrokerOptions {
  readonly subscriptions: Subscriptions;
  readonly events?: BrokerEvents;
  readonly clock: Clock;
  /** Where messages meet; brokers that share one hear each other. A registry of its own unless given. */
  readonly channels?: ChannelRegistry;
  /** Keeps logs within these bounds, or in the {@link EmbeddedBroker.store} of a broker on the same channels. */
  readonly history?: LogBounds | LogStore;
  /** For the names of epochs. */
  readonly random?: Random;
}

interface Subscription extends Subscriber {
  readonly channel: Uint8Array;
}

/**
 * A broker in this process's memory, for development and tests: no Redis, no other relay, nothing on disk.
 * Programs reach it through a {@link RespServer} on the same {@link channels}. It cannot be lost, so it
 * proves itself once, when it starts, by a message through its own publish and subscription, and is then
 * healthy until it is closed.
 */
export class EmbeddedBroker implements Broker {
  /** Where its messages meet those of others. */
  readonly channels: ChannelRegistry;
  /** Where its logs are kept, for a {@link RespServer} to append to; null with history off. */
  readonly store: LogStore | null;
  /** Its logs, null with history off. They answer while the broker runs. */
  readonly log: UpdateLog | null;
  readonly #events: BrokerEvents;
  readonly #clock: Clock;
  readonly #subscriptions: readonly Subscription[];
  readonly #claims: Claims;
  readonly #marks = new MarkStore();
  #health: BrokerHealth = { ok: false, reason: "the embedded broker has not been started" };
  #state: "new" | "open" | "closed" = "new";

  constructor(options: EmbeddedBrokerOptions) {
    this.channels = options.channels ?? new ChannelRegistry();
    this.#events = options.events ?? {};
    this.#clock = options.clock;
    this.#claims = new Claims(options.clock);
    this.store = this.#openStore(options);
    this.log = this.store === null ? null : new MemoryLog(this.store, () => this.#state === "open");
    this.#subscriptions = Array.from(options.subscriptions, ([channel, handler]) => ({
      channel: ownBytes(channel),
      deliver: (_, data) => this.#hand(handler, data),
    }));
  }

  get health(): BrokerHealth {
    return this.#health;
  }

  start(): void {
    if (this.#state !== "new") return;
    this.#state = "open";
    for (const subscription of this.#subscriptions) {
      this.channels.subscribe(subscription.channel, subscription);
    }
    this.#probe();
  }

  async publish(messages: readonly BrokerMessage[]): Promise<readonly number[]> {
    const taken = messages.map(({ channel, data }) => ({ channel: ownBytes(channel), data: ownBytes(data) }));
    // A handler may publish; handing that over in a turn of its own keeps one order for all subscribers.
    await Promise.resolve();
    if (this.#state !== "open") throw new BrokerUnavailable("the embedded broker is not running");
    return taken.map(({ channel, data }) => this.channels.publish(channel, data));
  }

  async post(channel: string, message: string): Promise<void> {
    await this.publish([{ channel, data: message }]);
  }

  async countSubscribers(channel: string): Promise<number> {
    if (this.#state !== "open") throw new BrokerUnavailable("the embedded broker is not running");
    return this.channels.subscriberCount(ownBytes(channel));
  }

  async claimOnce(key: string, ttlMs: number): Promise<boolean> {
    if (this.#state !== "open") throw new BrokerUnavailable("the embedded broker is not running");
    return this.#claims.claim(key, ttlMs);
  }

  async setMarks(write: MarkWrite): Promise<void> {
    await this.publish([]);
    this.#marks.set(write);
    await this.publish(write.tell);
  }

  async readMarks(key: string): Promise<Marks> {
    if (this.#state !== "open") throw new BrokerUnavailable("the embedded broker is not running");
    return this.#marks.read(key);
  }

  async close(): Promise<void> {
    this.#state = "closed";
    this.#health = { ok: false, reason: "the embedded broker is closed" };
    for (const subscription of this.#subscriptions) {
      this.channels.unsubscribe(subscription.channel, subscription);
    }
  }

  #openStore({ history, clock, random = Math.random }: EmbeddedBrokerOptions): LogStore | null {
    if (history === undefined || history instanceof LogStore) return history ?? null;
    return new LogStore({ bounds: history, channels: this.channels, clock, random });
  }

  #hand(handler: MessageHandler, data: Uint8Array): void {
    try {
      handler(data);
    } catch (error) {
      this.#events.onHandlerError?.(error);
    }
  }

  #probe(): void {
    const message = ownBytes("probe");
    const sentAt = this.#clock.monotonic();
    let cameBack = false;
    const listener: Subscriber = {
      deliver(_, data) {
        cameBack ||= data === message;
      },
    };
    this.channels.subscribe(PROBE_CHANNEL, listener);
    this.channels.publish(PROBE_CHANNEL, message);
    this.channels.unsubscribe(PROBE_CHANNEL, listener);
    if (!cameBack) {
      this.#health = { ok: false, reason: "the embedded broker did not deliver its own message" };
      return;
    }
    const lagMs = this.#clock.monotonic() - sentAt;
    this.#health = { ok: true, lagMs };
    this.#events.onLag?.(lagMs);
    this.#events.onHealth?.(this.#health);
  }
}
