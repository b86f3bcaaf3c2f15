import { eventually } from "../../support/eventually.ts";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import type { Attempt, BaselineLog, Evidence, FaultWindow, Violation } from "../judge/evidence.ts";
import { judge } from "../judge/judge.ts";
import { longestWait } from "../judge/machines.ts";
import { Application, type ApplicationOptions } from "./application.ts";
import { figure, type Random, seededRandom } from "./form.ts";
import { Publisher, type PublisherOptions } from "./publisher.ts";
import { type RelayOptions, type RelayProcess, startRelay } from "./relay-process.ts";
import { readCounts } from "./relay-counts.ts";
import { readStored } from "./stored-entries.ts";

/** What a fault case plays on. */
export interface StageOptions {
  readonly name: string;
  /** Relays on the one Redis; 2 unless given. */
  readonly relays?: number;
  readonly redisArgs?: readonly string[];
  /** A Redis that outlives the stage; one of its own unless given. */
  readonly redis?: RedisServer;
  /** Whether the relays keep a history; true unless given. */
  readonly history?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  /** How long the last updates of the run may take to arrive: control runs, in which they do not, set it low. */
  readonly patienceMs?: number;
  /** What is different about relay number `index`: where it finds Redis, where it runs. */
  readonly relayOf?: (index: number, redis: RedisServer) => Partial<RelayOptions>;
}

/** What a fault is, for the judge. */
export interface FaultOptions {
  readonly name: string;
  /** Whether updates by plain PUBLISH, or without history, may be lost meanwhile. */
  readonly mayLose?: boolean;
}

/** What is asked of the evidence. */
export interface JudgementOptions {
  /** Whether the streams hold every update of the run, and are read. */
  readonly readsStore?: boolean;
  /** Relays that counted from the run's begin to its end. */
  readonly counted?: readonly RelayProcess[];
  /** Whether every frame that they sent must have arrived. */
  readonly isExact?: boolean;
  /** How much the memory of the last relay, which no case kills, may grow; null where nothing is promised. */
  readonly flatRatio?: number | null;
  readonly baselines?: readonly BaselineLog[];
}

/** How long a mended system may take until every client has everything, in milliseconds. */
const FINALE_MS = 25_000;

/** Most memory of a relay in these cases, where the largest holds 5,000 clients. */
const MEMORY_LIMIT = 700 * 1_048_576;

/** How long after a fault an application may wait for its next frame, in milliseconds: generous, machines are busy. */
const RECOVERY_MS = 20_000;

/** A real Redis, real relays, applications and publishers, and the log of all that they did. */
export class Stage implements AsyncDisposable {
  readonly random: Random;
  readonly redis: RedisServer;
  readonly relays: RelayProcess[] = [];
  readonly applications: Application[] = [];
  readonly publishers: Publisher[] = [];
  readonly #options: StageOptions;
  readonly #faults: FaultWindow[] = [];
  readonly #resources: AsyncDisposableStack;
  #cuts = 0;

  private constructor(options: StageOptions, redis: RedisServer, resources: AsyncDisposableStack) {
    this.#options = options;
    this.redis = redis;
    this.#resources = resources;
    this.random = seededRandom(options.name);
  }

  /** Starts Redis and the relays. */
  static async open(options: StageOptions): Promise<Stage> {
    const resources = new AsyncDisposableStack();
    const redis = options.redis ?? resources.use(await startRedis({ args: options.redisArgs ?? [] }));
    const stage = new Stage(options, redis, resources);
    try {
      for (let index = 0; index < (options.relays ?? 2); index += 1) {
        stage.relays.push(resources.use(await startRelay(stage.relayOptions(index))));
      }
    } catch (error) {
      await resources.disposeAsync();
      throw error;
    }
    return stage;
  }

  /** How relay number `index` is started. */
  relayOptions(index: number): RelayOptions {
    const { history = true, settings, relayOf } = this.#options;
    return {
      name: `relay ${index}`,
      redisUrl: this.redis.url,
      settings: {
        ...(history ? { TIDINGS_HISTORY: "true", TIDINGS_HISTORY_SIZE: "20000" } : {}),
        TIDINGS_DRAIN_WINDOW: "1s",
        TIDINGS_DRAIN_DEADLINE: "5s",
        TIDINGS_PROBE_INTERVAL: "250ms",
        TIDINGS_REDIS_TIMEOUT: "1s",
        ...settings,
      },
      ...relayOf?.(index, this.redis),
    };
  }

  /** Opens an application for each of `count` users, and resolves when all are let in. */
  async gather(count: number, options: Partial<ApplicationOptions> = {}): Promise<void> {
    for (let index = 0; index < count; index += 1) this.enter(`user-${index}`, options);
    await this.settled();
  }

  /** Opens one application. */
  enter(user: string, options: Partial<ApplicationOptions> = {}): Application {
    const { relays, random } = this;
    const name = `${user}/${this.applications.length}`;
    const application = new Application({ name, user, relays, random, ...options });
    this.#resources.use(application);
    this.applications.push(application);
    return application;
  }

  /** Resolves when every application is let in. */
  async settled(): Promise<void> {
    await eventually(
      "every application is let in",
      () => this.applications.every(({ isLetIn }) => isLetIn),
      FINALE_MS,
    );
  }

  /** The users of all applications. */
  get users(): string[] {
    return [...new Set(this.applications.map(({ log }) => log.user))];
  }

  /** Opens a publisher to all users and, now and then, to everybody. */
  async publisher(path: Attempt["path"], options: Partial<PublisherOptions> = {}): Promise<Publisher> {
    const { relays, random, users } = this;
    const publisher = new Publisher({
      name: `${path}-${this.publishers.length}`,
      path,
      redisUrl: this.redis.url,
      relays,
      random,
      targets: [...users, "*"],
      ...options,
    });
    this.#resources.use(publisher);
    await publisher.open();
    this.publishers.push(publisher);
    return publisher;
  }

  /** Resolves when the publishers attempted `count` more updates. */
  async attempted(count: number): Promise<void> {
    const until = this.#attempts().length + count;
    await eventually(`${count} updates were attempted`, () => this.#attempts().length >= until, 60_000);
  }

  /** Makes a fault; its window ends when `make` has mended everything and all relays that run are ready. */
  async fault({ name, mayLose = false }: FaultOptions, make: () => Promise<void>): Promise<void> {
    const from = performance.now();
    await make();
    await eventually(
      `every relay is ready after: ${name}`,
      async () => (await Promise.all(this.relays.map((relay) => relay.isReady()))).every(Boolean),
      FINALE_MS,
    );
    this.#faults.push({ name, from, to: performance.now(), mayLose });
  }

  /** Cuts the subscription of every relay, as an operator's `CLIENT KILL TYPE pubsub` does. */
  async cutSubscriptions(): Promise<void> {
    await this.redis.cli("CLIENT", "KILL", "TYPE", "pubsub");
    this.#cuts += 1;
  }

  /**
   * Ends the run: publishes a last update to every user and to everybody, waits until it has arrived everywhere or patience
   * ends, and holds the logs against the invariants.
   */
  async judged(options: JudgementOptions = {}): Promise<readonly Violation[]> {
    const evidence = await this.evidence(options);
    const violations = judge(evidence);
    const { attempts, applications } = evidence;
    const results = Map.groupBy(attempts, ({ result }) => result);
    const received = this.applications.reduce((sum, { keys }) => sum + keys.size, 0);
    const count = (result: Attempt["result"]): number => results.get(result)?.length ?? 0;
    const connections = applications.reduce((sum, log) => sum + log.connections.length, 0);
    figure(
      this.#options.name,
      `${attempts.length} attempts (${count("ok")} ok, ${count("fail")} refused, ${count("unknown")} unknown), ` +
        `${received} received over ${connections} connections, ${violations.length} violations`,
    );
    if (evidence.faults.length > 0) {
      figure("longest wait after a fault", `${Math.round(longestWait(evidence))} ms`);
    }
    return violations;
  }

  /** All logs of the run, once it has ended. */
  async evidence(options: JudgementOptions = {}): Promise<Evidence> {
    const { readsStore = false, counted = [], isExact = false, flatRatio = null, baselines = [] } = options;
    for (const publisher of this.publishers) await publisher.stop();
    await this.#finale();
    const relays = await Promise.all(counted.map((relay) => readCounts(relay, this.#cuts, isExact)));
    return {
      history: this.#options.history ?? true,
      attempts: this.#attempts(),
      applications: this.applications.map(({ log }) => log),
      faults: this.#faults,
      stored: readsStore ? await readStored(this.redis.url) : null,
      memory: this.relays.map((relay, index) =>
        relay.memory(MEMORY_LIMIT, index === this.relays.length - 1 ? flatRatio : null),
      ),
      baselines,
      processes: this.relays.flatMap((relay) => relay.ends()),
      relays,
      recoveryMs: RECOVERY_MS,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  #attempts(): readonly Attempt[] {
    return this.publishers.flatMap(({ attempts }) => attempts);
  }

  async #finale(): Promise<void> {
    const { history = true, patienceMs = FINALE_MS } = this.#options;
    const publisher = await this.publisher(history ? "fcall" : "plain", { name: "finale" });
    await this.settled().catch(() => undefined);
    const everyone = await publisher.publish("*");
    const own = new Map<string, Attempt>();
    for (const user of this.users) own.set(user, await publisher.publish(user));
    const isDone = ({ keys, log }: Application): boolean => {
      return keys.has(everyone.key) && keys.has(own.get(log.user)?.key ?? "");
    };
    // What is missing after that is for the judge to say.
    await eventually(
      "the last update is everywhere",
      () => this.applications.every(isDone),
      patienceMs,
    ).catch((error: unknown) => figure("finale", String(error)));
  }
}
