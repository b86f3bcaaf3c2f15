import { type Since, parseSince } from "@tidings/protocol";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { newCounters } from "../metrics.ts";
import { Hub } from "../websocket/hub.ts";
import type { CatchUp } from "./catch-up.ts";
import type { Feed } from "./feed.ts";
import type { HistoryClient } from "./history-client.ts";
import { History, type HistoryCounters, newHistoryCounters } from "./history.ts";
import { ScriptedLog } from "./scripted-log.ts";

/** One connection of an application: what was sent waits on the wire until the application takes it. */
export class Line implements HistoryClient {
  readonly userId: string;
  readonly feed: Feed | null;
  isOpen = true;
  isBlocked = false;
  catchUp: CatchUp | null = null;
  /** The close code's name, where the relay closed it. */
  closedBy: string | null = null;
  readonly wire: string[] = [];

  constructor(userId: string, feed: Feed) {
    this.userId = userId;
    this.feed = feed;
  }

  send(frame: string): boolean {
    if (this.isOpen) this.wire.push(frame);
    return this.isOpen;
  }

  sendSystem(frame: string): void {
    this.send(frame);
  }

  close(name: string): void {
    this.isOpen = false;
    this.closedBy = name;
  }

  block(isBlocked: boolean): void {
    this.isBlocked = isBlocked;
    if (!isBlocked) this.catchUp?.writable();
  }
}

interface Frame {
  readonly type: string;
  readonly offset?: string;
  readonly payload: { readonly offset?: string; readonly recovered?: boolean; readonly next?: string };
}

/**
 * An application that follows the documentation: it keeps the newest offset of each log, resumes from them, and notes
 * whatever does not follow.
 */
export class Application {
  readonly user: string;
  /** What came in an order that was not promised, or twice, or with a hole that nobody told of. */
  readonly violations: string[] = [];
  /** How many holes it was told of. */
  gaps = 0;
  /** Times it was told that not everything since was there. */
  unrecovered = 0;
  line: Line | null = null;
  isConnecting = false;
  #since: Since = { user: null, broadcast: null };

  constructor(user: string) {
    this.user = user;
  }

  /** What it resumes from: what it knows of either log; null where that is nothing, as the first time. */
  get since(): string | null {
    const { user, broadcast } = this.#since;
    const parts = [
      ...(isPlace(user) ? [`${user.epoch}.${user.n}`] : []),
      ...(isPlace(broadcast) ? [`*${broadcast.epoch}.${broadcast.n}`] : []),
    ];
    return parts.length === 0 ? null : parts.join(",");
  }

  /** Takes the oldest frame from the wire. */
  take(): void {
    const text = this.line?.wire.shift();
    if (text === undefined) return;
    const frame = JSON.parse(text) as Frame;
    const { offset, recovered, next } = frame.payload;
    if (frame.type === "welcome") {
      if (recovered === false) this.unrecovered += 1;
      const place = parseSince(offset ?? "") ?? { user: null, broadcast: null };
      // A place of its own stays where it is resumed from; where none is known the relay says it.
      if (recovered === false) this.#since = place;
      else
        this.#since = {
          user: this.#since.user ?? place.user,
          broadcast: this.#since.broadcast ?? place.broadcast,
        };
    } else if (frame.type === "tidings.gap") {
      this.gaps += 1;
      this.#follow(next ?? "", true);
    } else this.#follow(frame.offset ?? "", false);
  }

  /** Notes one offset: of an update, or of the one that will follow a hole. */
  #follow(offset: string, isHole: boolean): void {
    const parsed = parseSince(offset);
    const log = parsed?.user === null ? "broadcast" : "user";
    const place = parsed?.[log];
    const before = this.#since[log];
    if (!isPlace(place)) {
      this.violations.push(`${offset} is no offset`);
      return;
    }
    const follows = !isPlace(before) || (place.epoch === before.epoch && place.n === before.n + 1);
    if (!follows && !isHole) this.violations.push(`${offset} came after ${before.epoch}.${before.n}`);
    this.#since = { ...this.#since, [log]: isHole ? { ...place, n: place.n - 1 } : place };
  }
}

const isPlace = (it: unknown): it is { readonly epoch: string; readonly n: number } =>
  typeof it === "object" && it !== null;

/** History with a scripted log, a hub and applications that come and go. */
export class Stage {
  readonly clock: ManualClock = new ManualClock();
  readonly log: ScriptedLog;
  readonly history: History;
  readonly counters: HistoryCounters = newHistoryCounters();
  readonly faults: unknown[] = [];
  readonly #hub = new Hub<Line>();

  constructor(resumeLimit = 10_000) {
    this.log = new ScriptedLog((notice) => this.history.receive(notice));
    this.history = new History({
      hub: this.#hub,
      log: this.log,
      delivered: newCounters(),
      counters: this.counters,
      clock: this.clock,
      random: () => 0,
      maxBytes: 1_048_576,
      bufferBytes: 1_048_576,
      checkEveryMs: 30_000,
      resumeLimit,
      onMalformed: (fault) => this.faults.push(fault),
      onUnreadable: (bytes) => this.faults.push(bytes),
      onFault: (error) => this.faults.push(error),
    });
  }

  /** Connects an application, as the door does. It may be cut at any moment of it. */
  async connect(application: Application): Promise<void> {
    if (application.line !== null || application.isConnecting) return;
    application.isConnecting = true;
    const feed = await this.history.admit(application.user);
    if (!application.isConnecting) {
      this.history.release(feed);
      return;
    }
    application.isConnecting = false;
    const line = new Line(application.user, feed);
    application.line = line;
    this.#hub.register(line);
    this.history.begin(line, application.since, (payload) =>
      line.sendSystem(JSON.stringify({ type: "welcome", payload })),
    );
  }

  /** Cuts an application off: what is on the wire is lost. */
  cut(application: Application): void {
    application.isConnecting = false;
    const { line } = application;
    if (line === null) return;
    application.line = null;
    line.isOpen = false;
    line.catchUp?.end();
    this.#hub.unregister(line);
    if (line.feed !== null) this.history.release(line.feed);
  }

  /** Lets everything that waits for a turn of the event loop run. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      setImmediate(resolve);
      await promise;
    }
  }

  /** Brings all that is on its way, and gives the idle check its time, until nothing moves any more. */
  async quiesce(applications: readonly Application[]): Promise<void> {
    for (let round = 0; round < 400; round += 1) {
      for (const application of applications) {
        if (application.line?.isOpen === false) this.cut(application);
        void this.connect(application);
        application.line?.block(false);
        while ((application.line?.wire.length ?? 0) > 0) application.take();
      }
      this.log.execute();
      this.log.answer();
      this.log.notice();
      await this.settle();
      if (round % 4 === 0 && this.log.isQuiet) this.clock.advance(1_000);
    }
  }
}
