import { nameBytes, nameKey, type NameKey } from "./channel-name.ts";
import { compileGlob, type Glob } from "./glob.ts";

/** One who listens on channels and patterns. */
export interface Subscriber {
  /**
   * Takes one message; `pattern` is the pattern it came by, null for a plain subscription.
   * It must not throw, must not publish before it returns, and must not change the bytes, which others get
   * too.
   */
  deliver(channel: Uint8Array, data: Uint8Array, pattern: Uint8Array | null): void;
}

interface Pattern {
  readonly bytes: Uint8Array;
  readonly glob: Glob;
  readonly subscribers: Set<Subscriber>;
}

/**
 * Who listens where, in memory. It is the one meeting point of the relay and of every program on the loopback
 * port, so each sees what the others publish. Channel names are bytes; nothing is kept for a channel nobody
 * listens on.
 */
export class ChannelRegistry {
  readonly #channels = new Map<NameKey, Set<Subscriber>>();
  readonly #patterns = new Map<NameKey, Pattern>();

  /** How many patterns have a subscriber. */
  get patternCount(): number {
    return this.#patterns.size;
  }

  /** Adds a subscriber to a channel. A second time changes nothing. */
  subscribe(channel: Uint8Array, subscriber: Subscriber): void {
    const key = nameKey(channel);
    const subscribers = this.#channels.get(key);
    if (subscribers === undefined) this.#channels.set(key, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  /** Takes a subscriber off a channel. One who is not on it stays off it. */
  unsubscribe(channel: Uint8Array, subscriber: Subscriber): void {
    const key = nameKey(channel);
    const subscribers = this.#channels.get(key);
    if (subscribers?.delete(subscriber) === true && subscribers.size === 0) this.#channels.delete(key);
  }

  /** Adds a subscriber to all channels that fit a Redis glob. A second time changes nothing. */
  subscribePattern(pattern: Uint8Array, subscriber: Subscriber): void {
    const key = nameKey(pattern);
    const known = this.#patterns.get(key);
    if (known !== undefined) {
      known.subscribers.add(subscriber);
      return;
    }
    const bytes = nameBytes(key);
    this.#patterns.set(key, { bytes, glob: compileGlob(bytes), subscribers: new Set([subscriber]) });
  }

  /** Takes a subscriber off a pattern. */
  unsubscribePattern(pattern: Uint8Array, subscriber: Subscriber): void {
    const key = nameKey(pattern);
    const known = this.#patterns.get(key);
    if (known?.subscribers.delete(subscriber) === true && known.subscribers.size === 0)
      this.#patterns.delete(key);
  }

  /**
   * Hands a message to every subscriber of the channel, then to those of each pattern that fits, before it
   * returns. Gives how many deliveries that were: one who subscribed plainly and by a pattern counts twice,
   * as with Redis.
   */
  publish(channel: Uint8Array, data: Uint8Array): number {
    let deliveries = 0;
    for (const subscriber of this.#channels.get(nameKey(channel)) ?? []) {
      subscriber.deliver(channel, data, null);
      deliveries += 1;
    }
    for (const { bytes, glob, subscribers } of this.#patterns.values()) {
      if (!glob(channel)) continue;
      for (const subscriber of subscribers) {
        subscriber.deliver(channel, data, bytes);
        deliveries += 1;
      }
    }
    return deliveries;
  }

  /** How many listen on a channel; those who come by a pattern do not count. */
  subscriberCount(channel: Uint8Array): number {
    return this.#channels.get(nameKey(channel))?.size ?? 0;
  }

  /** The channels that have a subscriber, all or those that fit a pattern. */
  channelNames(pattern?: Uint8Array): Uint8Array[] {
    const names = Array.from(this.#channels.keys(), nameBytes);
    return pattern === undefined ? names : names.filter(compileGlob(pattern));
  }
}
