import { ClientOfflineError, createClient, ErrorReply } from "@redis/client";
import type { Attempt } from "../judge/evidence.ts";
import type { Random } from "./form.ts";
import { API_KEY, type RelayProcess } from "./relay-process.ts";

/** How a {@link Publisher} publishes. */
export interface PublisherOptions {
  readonly name: string;
  readonly path: Attempt["path"];
  readonly redisUrl: string;
  /** Where POSTs go. */
  readonly relays: readonly RelayProcess[];
  readonly random: Random;
  /** Targets to choose from by chance; `"*"` for broadcasts. */
  readonly targets: readonly string[];
  /** Bytes of each payload beside its key. */
  readonly textBytes?: number;
}

type OpenAttempt = { -readonly [Key in keyof Attempt]: Attempt[Key] };

const TICK_MS = 5;

/** Most updates that may wait for an answer: beyond them none is attempted, so a hang does not eat memory. */
const MOST_UNANSWERED = 4_000;

/** How long the last answers may take once a publisher is stopped, in milliseconds. */
const SETTLE_MS = 3_000;

/** A worker that publishes at a rate and notes what became of each update. It never repeats one. */
export class Publisher implements AsyncDisposable {
  readonly attempts: OpenAttempt[] = [];
  readonly #options: PublisherOptions;
  readonly #client;
  readonly #counters = new Map<string, number>();
  #timer: Timer | null = null;
  #unanswered = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#client = createClient({
      url: options.redisUrl,
      disableOfflineQueue: true,
      maintNotifications: "disabled",
      socket: { connectTimeout: 1_000, reconnectStrategy: () => 50 },
    });
    this.#client.on("error", () => {});
  }

  async open(): Promise<void> {
    await this.#client.connect();
  }

  /** Publishes `rate` updates a second from now on, to targets by chance. */
  start(rate: number): void {
    const startedAt = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * rate) - sent;
      sent += due;
      const { targets, random } = this.#options;
      for (let index = 0; index < due; index += 1) {
        const target = targets[Math.floor(random() * targets.length)];
        if (target !== undefined && this.#unanswered < MOST_UNANSWERED) void this.publish(target);
      }
    }, TICK_MS);
  }

  /** Publishes no more, and resolves when every answer came or none is to be expected. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const deadline = performance.now() + SETTLE_MS;
    while (this.#unanswered > 0 && performance.now() < deadline) await Bun.sleep(10);
  }

  /** Publishes one update and returns the attempt, whose result is known when this resolves. */
  async publish(target: string): Promise<Attempt> {
    const { name, path, textBytes = 20 } = this.#options;
    const seq = (this.#counters.get(target) ?? -1) + 1;
    this.#counters.set(target, seq);
    const attempt: OpenAttempt = {
      key: `${name}:${target}:${seq}`,
      target,
      path,
      producer: path === "plain" ? name : null,
      seq: path === "plain" ? seq : null,
      sentAt: performance.now(),
      result: "unknown",
      offset: null,
    };
    this.attempts.push(attempt);
    const update = JSON.stringify({
      target_user_id: target,
      type: "fault_case",
      payload: { key: attempt.key, text: "t".repeat(textBytes) },
      ...(path === "plain" ? { producer: name, seq } : {}),
    });
    this.#unanswered += 1;
    try {
      attempt.offset = await this.#send(target, update);
      attempt.result = "ok";
    } catch (error) {
      attempt.result = isRefusal(error) ? "fail" : "unknown";
      this.refusals.add(error instanceof Error ? error.message : String(error));
    } finally {
      this.#unanswered -= 1;
    }
    return attempt;
  }

  /** Every different sentence with which an update was refused. */
  readonly refusals: Set<string> = new Set();

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#client.destroy();
  }

  async #send(target: string, update: string): Promise<string | null> {
    const { path } = this.#options;
    if (path === "http") return this.#post(update);
    if (path === "plain") {
      await this.#client.publish("updates", update);
      return null;
    }
    const call = ["FCALL", "tidings_publish", "1", `tidings:{${target}}:log`, update];
    const offset: unknown = await this.#client.sendCommand(call);
    if (typeof offset !== "string") throw new Error("the function answered something else than an offset");
    return withStar(target, offset);
  }

  async #post(update: string): Promise<string | null> {
    const { relays, random } = this.#options;
    const relay = relays[Math.floor(random() * relays.length)];
    const response = await fetch(`${relay?.url}/v1/publish`, {
      method: "POST",
      keepalive: false,
      headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
      body: update,
    });
    const text = await response.text();
    if (response.status === 202) {
      const { updates } = JSON.parse(text) as { updates: readonly { readonly offset?: string }[] };
      return updates[0]?.offset ?? null;
    }
    if (response.status >= 400 && response.status < 500) throw new ErrorReply(text);
    throw new Error(`${response.status} ${text}`);
  }
}

/** What the function answers has no mark of its log; what clients see has. */
function withStar(target: string, offset: string): string {
  return target === "*" && !offset.startsWith("*") ? `*${offset}` : offset;
}

/** Whether the update was not stored for certain. */
function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply || error instanceof ClientOfflineError;
}
