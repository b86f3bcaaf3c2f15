import { systemClock } from "../clock.ts";
import type { BrokerHealth } from "./broker.ts";
import { RedisBroker, type RedisBrokerOptions } from "./redis.ts";

/** A started RedisBroker that writes down everything it tells, subscribed to `updates`. */
export class ObservedBroker implements AsyncDisposable {
  readonly broker: RedisBroker;
  /** Messages on `updates`, as text. */
  readonly messages: string[] = [];
  /** Every change of health. */
  readonly changes: BrokerHealth[] = [];
  /** Why connections were lost. */
  readonly losses: string[] = [];
  gaps = 0;

  constructor(url: string, options: Partial<RedisBrokerOptions> = {}) {
    this.broker = new RedisBroker({
      url,
      subscriptions: new Map([
        ["updates", (message) => this.messages.push(new TextDecoder().decode(message))],
      ]),
      probeIntervalMs: 1_000,
      timeoutMs: 3_000,
      relayId: "test",
      clock: systemClock,
      random: Math.random,
      events: {
        onHealth: (health) => this.changes.push(health),
        onConnectionLost: (reason) => this.losses.push(reason),
        onResubscribed: () => this.gaps++,
      },
      ...options,
    });
    this.broker.start();
  }

  /** The reason of bad health, or the empty string while health is good. */
  get reason(): string {
    return this.broker.health.ok ? "" : this.broker.health.reason;
  }

  /** Resolves when health is good, and rejects where that takes longer than `withinMs`. */
  healthy(withinMs?: number): Promise<void> {
    return until("health is good", () => this.broker.health.ok, withinMs);
  }

  /** Resolves when health is bad, and rejects where that takes longer than `withinMs`. */
  unhealthy(withinMs?: number): Promise<void> {
    return until("health is bad", () => !this.broker.health.ok, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
  }
}

/** Resolves when the condition holds, and rejects where that takes longer than `withinMs` milliseconds. */
export async function until(what: string, condition: () => boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await Bun.sleep(5);
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
