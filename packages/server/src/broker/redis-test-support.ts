import { systemClock } from "../clock.ts";
import type { BrokerHealth } from "./broker.ts";
import { RedisBroker, type RedisBrokerOptions } from "./redis.ts";
import { eventually } from "../../../../tests/support/eventually.ts";

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
    return eventually("health is good", () => this.broker.health.ok, withinMs);
  }

  /** Resolves when health is bad, and rejects where that takes longer than `withinMs`. */
  unhealthy(withinMs?: number): Promise<void> {
    return eventually("health is bad", () => !this.broker.health.ok, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.close();
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
