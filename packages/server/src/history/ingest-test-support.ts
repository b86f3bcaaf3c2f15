import {
  type Broker,
  type BrokerMessage,
  BrokerUnavailable,
  type MessageHandler,
  type Subscriptions,
} from "../broker/broker.ts";
import { ChannelRegistry } from "../broker/embedded/channels.ts";
import { EmbeddedBroker } from "../broker/embedded/embedded-broker.ts";
import { LogStore } from "../broker/embedded/log-store.ts";
import { MemoryLog } from "../broker/embedded/memory-log.ts";
import type { UpdateFault } from "@tidings/protocol";
import type { UpdateLog } from "../broker/update-log.ts";
import type { Clock } from "../clock.ts";
import { UpdateIntake } from "../update-intake.ts";
import { type IngestCounters, type IngestLoss, newIngestCounters } from "./ingest-counters.ts";
import { INGEST_CHANNEL } from "./ingest-word.ts";
import { LogIngest } from "./log-ingest.ts";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";

/** What a relay under test stands on: its own connection to what all relays share. */
export interface Ground {
  readonly broker: Pick<Broker, "publish" | "close">;
  readonly log: UpdateLog;
}

/** One relay's ingest, which a test can freeze, cut off and watch. */
export class IngestRelay {
  readonly id: string;
  readonly counters: IngestCounters = newIngestCounters();
  readonly losses: [IngestLoss, number][] = [];
  /** Every change of who holds, as this relay saw it. */
  readonly changes: boolean[] = [];
  unknown = 0;
  /** Other channels that share its logs, as it was told of them. */
  readonly otherChannels: string[] = [];
  readonly malformed: Map<UpdateFault, number> = new Map();
  readonly ingest: LogIngest;
  readonly #ground: Ground;
  /** What waits for the process to go on, and messages that wait for the subscriber. */
  readonly #late: (() => void)[] = [];
  readonly #unheard: (() => void)[] = [];
  /** Requests that wait for the network. */
  readonly #unsent: (() => void)[] = [];
  #isFrozen = false;
  #isDeaf = false;
  #isStalled = false;
  #isCut = false;
  #cuts = 0;
  #isDead = false;
  #frozenAt = 0;
  /** How long its monotonic clock stood still, where the whole machine was paused. */
  #paused = 0;

  constructor(
    id: string,
    clock: Clock,
    open: (subscriptions: Subscriptions) => Ground,
    random: () => number = () => 0.5,
  ) {
    this.id = id;
    const subscriptions = new Map<string, MessageHandler>([
      ["updates", (message) => this.#message(message, (copy) => this.ingest.receive(copy))],
      [INGEST_CHANNEL, (message) => this.#message(message, (copy) => this.ingest.hear(copy))],
    ]);
    this.#ground = open(subscriptions);
    this.#clock = {
      wall: () => clock.wall(),
      monotonic: () => clock.monotonic() - this.#paused,
      after: (delay, run) => clock.after(delay, () => this.#pass(run)),
      every: (period, run) => clock.every(period, () => this.#pass(run)),
    };
    this.#real = clock;
    const { log, broker } = this.#ground;
    this.ingest = new LogIngest({
      relayId: id,
      scope: { database: 0, channel: "updates" },
      log: {
        append: (drafts, lease) => this.#answer(() => log.append(drafts, lease)),
        lease: (holder, ttlMs) => this.#answer(() => log.lease(holder, ttlMs)),
        release: (holder) => this.#answer(() => log.release(holder)),
        positions: (targets) => log.positions(targets),
        read: (target, after, limit) => log.read(target, after, limit),
        distrust: (target, epoch) => log.distrust(target, epoch),
      },
      publish: (messages: readonly BrokerMessage[]) => this.#answer(() => broker.publish(messages)),
      intake: new UpdateIntake({
        maxBytes: 1_048_576,
        implicitBroadcast: false,
        malformed: this.malformed,
        onMalformed: () => {},
      }),
      counters: this.counters,
      clock: this.#clock,
      random,
      onHolder: (isHolder) => this.changes.push(isHolder),
      onLoss: (kind, updates) => this.losses.push([kind, updates]),
      onUnknown: () => (this.unknown += 1),
      onOtherChannel: (channel) => this.otherChannels.push(channel),
    });
    this.ingest.start();
  }

  readonly #clock: Clock;
  readonly #real: Clock;

  /** The log as it is, whatever befalls the relay. */
  get log(): UpdateLog {
    return this.#ground.log;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Stops the process as SIGSTOP does: nothing in it runs, and what comes meanwhile waits. */
  freeze(): void {
    this.#isFrozen = true;
    this.#frozenAt = this.#real.monotonic();
  }

  /** Lets it go on; with `asPaused` its own clock knows nothing of the time between. */
  thaw(asPaused = false): void {
    if (!this.#isFrozen) return;
    if (asPaused) this.#paused += this.#real.monotonic() - this.#frozenAt;
    this.#isFrozen = false;
    this.#catchUp();
  }

  /** Holds back the messages alone, as a subscriber that lags. */
  lag(): void {
    this.#isDeaf = true;
  }

  /** Delivers what was held back. */
  keepUp(): void {
    this.#isDeaf = false;
    this.#catchUp();
  }

  /** Holds back what it sends, as a network does that is slow. */
  stall(): void {
    this.#isStalled = true;
  }

  /** Lets what was held back arrive. */
  flow(): void {
    this.#isStalled = false;
    for (const send of this.#unsent.splice(0)) send();
  }

  /** Has it leave, once it runs. */
  leave(): void {
    this.#pass(() => void this.ingest.yield());
  }

  /** Cuts its connections: answers under way are lost, and what is published until {@link mend} never reaches it. */
  cut(): void {
    if (this.#isCut || this.#isFrozen) return;
    this.#isCut = true;
    this.#cuts += 1;
    this.#unheard.length = 0;
    this.ingest.interrupted();
  }

  /** Makes the connections stand again. */
  mend(): void {
    if (!this.#isCut || this.#isFrozen) return;
    this.#isCut = false;
    this.ingest.arrived();
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    this.#isDead = true;
    await this.#ground.broker.close();
  }

  #catchUp(): void {
    if (this.#isFrozen) return;
    for (const run of this.#late.splice(0)) this.#pass(run);
    if (this.#isDeaf) return;
    for (const run of this.#unheard.splice(0)) this.#pass(run);
  }

  #message(message: Uint8Array, handle: MessageHandler): void {
    if (this.#isDead || this.#isCut) return;
    const copy = Uint8Array.from(message);
    if (this.#isDeaf || this.#isFrozen || this.#unheard.length > 0) this.#unheard.push(() => handle(copy));
    else handle(copy);
  }

  #pass(run: () => void): void {
    if (this.#isDead) return;
    if (this.#isFrozen) this.#late.push(run);
    else run();
  }

  /** What the log or the broker says, unless the connection is gone or goes meanwhile. */
  #answer<T>(ask: () => Promise<T>): Promise<T> {
    const cuts = this.#cuts;
    if (this.#isCut) return Promise.reject(new BrokerUnavailable("cut"));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const send = (): void => {
      ask().then(
        (value) =>
          this.#pass(() => (this.#cuts === cuts ? resolve(value) : reject(new BrokerUnavailable("cut")))),
        (error: unknown) => this.#pass(() => reject(error)),
      );
    };
    if (this.#isStalled || this.#unsent.length > 0) this.#unsent.push(send);
    else send();
    return promise;
  }
}

/** Relays that share a log and channels in memory, and time that stands still until the test moves it. */
export class MemoryFleet {
  readonly clock: ManualClock = new ManualClock();
  readonly channels: ChannelRegistry = new ChannelRegistry();
  readonly relays: IngestRelay[] = [];
  readonly #store: LogStore;
  readonly log: UpdateLog;
  /** How many updates were published. */
  published = 0;

  constructor() {
    this.#store = new LogStore({
      bounds: { updates: 100_000, bytes: 1e9, ttlMs: 3_600_000, maxUpdateBytes: 1_048_576 },
      channels: this.channels,
      clock: this.clock,
      random: () => 0.5,
    });
    this.log = new MemoryLog(this.#store, () => true);
  }

  /** Starts a relay and resolves when what it does at first is done. */
  async start(wrap: (log: UpdateLog) => UpdateLog = (log) => log): Promise<IngestRelay> {
    const relay = new IngestRelay(`relay-${this.relays.length}`, this.clock, (subscriptions) => {
      const broker = new EmbeddedBroker({ subscriptions, clock: this.clock, channels: this.channels });
      broker.start();
      return { broker, log: wrap(new MemoryLog(this.#store, () => broker.health.ok)) };
    });
    this.relays.push(relay);
    await settle();
    return relay;
  }

  /** The relay that appends, where there is exactly one. */
  get holder(): IngestRelay | null {
    const holders = this.relays.filter((relay) => relay.ingest.isHolder && !relay.isDead);
    return holders.length === 1 ? (holders[0] ?? null) : null;
  }

  /** Publishes updates as a worker does, numbered on from the last. */
  publish(count = 1, target = "alice"): void {
    for (let index = 0; index < count; index += 1) {
      this.published += 1;
      this.say("updates", { target_user_id: target, type: "t", payload: this.published });
    }
  }

  /** Publishes any JSON on any channel. */
  say(channel: string, value: unknown): void {
    this.channels.publish(Buffer.from(channel), Buffer.from(JSON.stringify(value)));
  }

  /** Hears what is said on a channel from now on. */
  listen(channel: string, hear: (message: string) => void): void {
    const deliver = (_: Uint8Array, data: Uint8Array): void => hear(Buffer.from(data).toString());
    this.channels.subscribe(Buffer.from(channel), { deliver });
  }

  /** Lets time pass in small steps, with everything in it done. */
  async pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      this.clock.advance(Math.min(50, milliseconds - passed));
      await settle();
    }
  }

  /** The numbers stored for a user, in the order of the log. */
  stored(target = "alice"): Promise<number[]> {
    return storedNumbers(this.log, target);
  }
}

/** The payloads stored for a user, which are numbers, in the order of the log. */
export async function storedNumbers(log: UpdateLog, target: string): Promise<number[]> {
  const numbers: number[] = [];
  let after: Parameters<UpdateLog["read"]>[1] = "earliest";
  for (;;) {
    const page = await log.read(target, after, { updates: 1_000, bytes: 1_048_576 });
    for (const { frame } of page.entries) {
      const { payload } = JSON.parse(Buffer.from(frame).toString()) as { payload: number };
      numbers.push(payload);
    }
    const last = page.entries.at(-1);
    if (last === undefined || last.n === page.top.n) return numbers;
    after = { epoch: page.top.epoch, n: last.n };
  }
}

/** Resolves when all that is at hand in this process has been done. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** The whole numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Relays on one log in memory, the first of which holds. */
export async function fleetOf(count: number): Promise<{ fleet: MemoryFleet; relays: IngestRelay[] }> {
  const fleet = new MemoryFleet();
  for (let index = 0; index < count; index += 1) await fleet.start();
  return { fleet, relays: fleet.relays };
}

/** A log's methods as members of its own, to replace some of them. */
export function plainLog(log: UpdateLog): UpdateLog {
  return {
    append: (drafts, lease) => log.append(drafts, lease),
    positions: (targets) => log.positions(targets),
    read: (target, after, limit) => log.read(target, after, limit),
    lease: (holder, ttlMs) => log.lease(holder, ttlMs),
    release: (holder) => log.release(holder),
    distrust: (target, epoch) => log.distrust(target, epoch),
  };
}
