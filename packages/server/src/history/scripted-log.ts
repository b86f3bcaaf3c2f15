import { logNotice } from "../broker/log-notice.ts";
import type { Lease, LogDraft, LogPage, LogPosition, PageLimit, UpdateLog } from "../broker/update-log.ts";

interface Kept {
  epoch: string;
  top: number;
  entries: { readonly n: number; readonly frame: Uint8Array }[];
}

interface Command {
  readonly execute: () => unknown;
  readonly resolve: (answer: never) => void;
  readonly reject: (reason: unknown) => void;
}

interface Answer {
  readonly bring: () => void;
  readonly lose: (reason: unknown) => void;
}

/**
 * A log whose two connections a test moves by hand: one on which commands are executed and answered, one on which
 * notices come. Each keeps its order; between them any order may happen, as with Redis.
 */
export class ScriptedLog implements UpdateLog {
  readonly #logs = new Map<string, Kept>();
  readonly #asked: Command[] = [];
  readonly #answers: Answer[] = [];
  readonly #notices: Uint8Array[] = [];
  readonly #receive: (notice: Uint8Array) => void;
  /** What every command is refused with, while the log is away. */
  isAway: Error | null = null;
  #epochs = 0;

  constructor(receive: (notice: Uint8Array) => void) {
    this.#receive = receive;
  }

  /** Stores an update at once, as a worker does; its notice is then on its way. */
  publish(target: string): LogPosition {
    const log = this.#of(target);
    log.top += 1;
    const frame = Buffer.from(`{"type":"t","payload":${log.top}}`);
    log.entries.push({ n: log.top, frame });
    this.#notices.push(logNotice(target, { epoch: log.epoch, n: log.top }, null, frame));
    return { epoch: log.epoch, n: log.top };
  }

  /** Forgets a log and everything in it. */
  lose(target: string): void {
    this.#logs.delete(target);
  }

  /** Forgets all updates of a log but the newest few. */
  trim(target: string, keep: number): void {
    const log = this.#of(target);
    log.entries = keep === 0 ? [] : log.entries.slice(-keep);
  }

  /** Forgets the newest updates of a log as if they had never been stored. */
  rollBack(target: string, count: number): void {
    const log = this.#of(target);
    log.top -= count;
    log.entries = log.entries.slice(0, -count);
  }

  /** Executes the command that was asked first. */
  execute(): void {
    const command = this.#asked.shift();
    if (command === undefined) return;
    const answer = command.execute();
    this.#answers.push({ bring: () => command.resolve(answer as never), lose: command.reject });
  }

  /** Brings the oldest answer that is on its way. */
  answer(): void {
    this.#answers.shift()?.bring();
  }

  /** Loses both connections with all that is on its way on them: commands are refused until {@link comeBack}. */
  leave(reason: Error): void {
    this.isAway = reason;
    for (const { reject } of this.#asked.splice(0)) reject(reason);
    for (const { lose } of this.#answers.splice(0)) lose(reason);
  }

  /** Has both connections anew. What was told meanwhile was told to nobody. */
  comeBack(): void {
    this.isAway = null;
    this.#notices.length = 0;
  }

  /** Brings the oldest notice, or loses it on the way. */
  notice(isLost = false): void {
    if (this.isAway !== null) return;
    const notice = this.#notices.shift();
    if (notice !== undefined && !isLost) this.#receive(notice);
  }

  /** Whether nothing is on its way on either connection. */
  get isQuiet(): boolean {
    return this.#asked.length + this.#answers.length + this.#notices.length === 0;
  }

  positions(targets: readonly string[]): Promise<readonly LogPosition[]> {
    return this.#ask(() =>
      targets.map((target) => {
        const { epoch, top } = this.#of(target);
        return { epoch, n: top };
      }),
    );
  }

  read(target: string, after: LogPosition | "earliest", limit: PageLimit): Promise<LogPage> {
    return this.#ask(() => this.#read(target, after, limit));
  }

  distrust(target: string, epoch: string): Promise<void> {
    return this.#ask(() => {
      if (this.#of(target).epoch === epoch) this.lose(target);
    });
  }

  append(_drafts: readonly LogDraft[]): Promise<readonly LogPosition[]> {
    throw new TypeError("tests publish");
  }

  lease(): Promise<Lease> {
    throw new TypeError("tests publish");
  }

  release(): Promise<void> {
    throw new TypeError("tests publish");
  }

  #read(target: string, after: LogPosition | "earliest", limit: PageLimit): LogPage {
    const { epoch, top: n, entries } = this.#of(target);
    const top = { epoch, n };
    const first = entries[0]?.n ?? n + 1;
    const from = after === "earliest" ? { epoch, n: first - 1 } : after;
    const none: readonly never[] = [];
    if (from.epoch !== epoch) return { outcome: "epoch_changed", top, first, entries: none };
    if (from.n > n) return { outcome: "ahead", top, first, entries: none };
    if (from.n < first - 1) return { outcome: "trimmed", top, first, entries: none };
    const page = entries.filter((entry) => entry.n > from.n).slice(0, Math.min(limit.updates, 3));
    return { outcome: "ok", top, first, entries: page.map((entry) => ({ ...entry, missed: null })) };
  }

  #of(target: string): Kept {
    let log = this.#logs.get(target);
    if (log === undefined) {
      this.#epochs += 1;
      log = { epoch: `e${this.#epochs}`, top: 0, entries: [] };
      this.#logs.set(target, log);
    }
    return log;
  }

  #ask<T>(execute: () => T): Promise<T> {
    if (this.isAway !== null) return Promise.reject(this.isAway);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.#asked.push({ execute, resolve, reject });
    return promise;
  }
}
