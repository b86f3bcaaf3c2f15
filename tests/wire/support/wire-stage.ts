import { eventually } from "../../support/eventually.ts";
import type { TestClient } from "../../support/test-client.ts";
import { startTestRelay, type TestRelay, type TestRelayOptions } from "../../support/test-relay.ts";
import { handshakeFor, WireClient } from "./wire-client.ts";

/** What one metric counted for each value of its label. */
export type Counts = Readonly<Record<string, number>>;

/** A relay under attack, and a bystander whose updates must go on arriving whatever the others do. */
export class WireStage implements AsyncDisposable {
  readonly relay: TestRelay;
  readonly #bystander: TestClient;
  #published = 0;

  constructor(relay: TestRelay, bystander: TestClient) {
    this.relay = relay;
    this.#bystander = bystander;
  }

  /** Starts a relay whose message rate holds nobody back, and connects the bystander. */
  static async start(settings: TestRelayOptions["settings"] = {}): Promise<WireStage> {
    const relay = await startTestRelay({
      settings: { message_rate: 100_000, message_burst: 100_000, ...settings },
    });
    return new WireStage(relay, await relay.connect("bystander"));
  }

  get port(): number {
    return this.relay.relay.port;
  }

  /** Connects a client that may send anything; a Tidings client where asked. */
  open(protocol?: "tidings.v1"): Promise<WireClient> {
    const more = protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`];
    return WireClient.open(this.port, "/ws?user_id=mallory", more);
  }

  /** Connects a Tidings client that sends bytes together with its handshake. */
  async openWith(bytes: Uint8Array): Promise<WireClient> {
    const client = new WireClient(this.port);
    const protocol = "Sec-WebSocket-Protocol: tidings.v1";
    client.send(handshakeFor(this.port, "/ws?user_id=mallory", [protocol]), bytes);
    await client.upgraded();
    return client;
  }

  /** Resolves once the bystander got an update that was published just now, as the only thing it got. */
  async bystanderIsUndisturbed(): Promise<void> {
    this.#published += 1;
    const number = this.#published;
    await this.relay.publish({ target_user_id: "bystander", type: "t", payload: number });
    const frames = await this.#bystander.received(number);
    const last = frames.at(-1)?.payload;
    if (frames.length !== number || last !== number) {
      throw new Error(`the bystander got ${frames.length} frames, the last ${String(last)}, of ${number}`);
    }
  }

  /** Resolves once the bystander is the only one who is connected. */
  async othersAreGone(): Promise<void> {
    await eventually("the others are gone", () => this.relay.relay.hub.connections === 1);
  }

  /** How many connections ended so far for each reason. */
  closes(): Promise<Counts> {
    return this.#counts("tidings_closes_total", "code");
  }

  /** How many handshakes there were so far of each result. */
  handshakes(): Promise<Counts> {
    return this.#counts("tidings_handshakes_total", "result");
  }

  async #counts(metric: string, label: string): Promise<Counts> {
    const text = await (await this.relay.http("/metrics")).text();
    const lines = text.matchAll(new RegExp(`^${metric}\\{${label}="(\\w+)"\\} (\\d+)$`, "gm"));
    return Object.fromEntries(Array.from(lines, ([, value = "", count]) => [value, Number(count)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
  }
}

/** What was counted between two looks. */
export function counted(before: Counts, after: Counts): Counts {
  return Object.fromEntries(
    Object.entries(after)
      .map(([code, count]) => [code, count - (before[code] ?? 0)] as const)
      .filter(([, count]) => count !== 0),
  );
}
