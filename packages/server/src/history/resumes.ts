import {
  formatOffset,
  type GapReason,
  type Offset,
  type ResumeAnswer,
  type ResumeFault,
  resumeFaults,
  type Since,
} from "@tidings/protocol";
import type { LogPage, LogPosition } from "../broker/update-log.ts";
import { CatchUp, type CatchUpContext } from "./catch-up.ts";
import { Cursor } from "./cursor.ts";
import type { Feed } from "./feed.ts";
import type { HistoryClient } from "./history-client.ts";

/** What a client is told of a resume, and where it then stands: `since` as it would have to give it. */
export interface Resumed extends ResumeAnswer {
  readonly offset: string;
}

/** How one log of a resume came out. */
interface Verdict {
  readonly cursor: Cursor;
  readonly following: number;
  readonly fault: GapReason | null;
  /** Where the client said it was, if it has to be told of a hole. */
  readonly gapFrom: LogPosition | null;
  readonly page: LogPage | null;
}

/** What resumes work with. */
export interface ResumesOptions extends CatchUpContext {
  /** Most updates that one resume replays. */
  readonly limit: number;
  readonly resumed: ResumeCounters;
  /**
   * Finds out exactly where the live end of a feed is, where it is not known.
   * @throws {BrokerUnavailable} as the log.
   */
  readonly makeExact: (feed: Feed) => Promise<void>;
}

/** How resumes came out: one for each outcome. */
export interface ResumeCounters {
  readonly resumes: Map<"recovered" | ResumeFault, number>;
}

/** Judges what a client that comes back can have, tells it, and starts it catching up. */
export class Resumes {
  readonly #options: ResumesOptions;

  constructor(options: ResumesOptions) {
    this.#options = options;
  }

  /**
   * Resumes a client from where it says it was. `tell` is called once, before anything of the replay is sent, unless the
   * client is gone or resumes again before.
   * @throws {BrokerUnavailable} where the log could not be asked; nothing was told or sent, and the client hears nothing
   * live until it resumes again or is closed.
   */
  async resume(
    client: HistoryClient,
    since: Since,
    feeds: { readonly user: Feed; readonly broadcast: Feed },
    tell: (answer: Resumed) => void,
  ): Promise<void> {
    const previous = client.catchUp;
    const user = new Cursor(feeds.user, previous?.cursorOf(feeds.user));
    const broadcast = new Cursor(feeds.broadcast, previous?.cursorOf(feeds.broadcast));
    const catchUp = new CatchUp(this.#options, client, [user, broadcast]);
    let first: Verdict | null;
    let second: Verdict | null;
    const isUnplaced = ({ feed, epoch }: Cursor): boolean => feed.position === null || epoch === "";
    const unplaced = [user, broadcast].filter(isUnplaced);
    try {
      await Promise.all([this.#options.makeExact(feeds.user), this.#options.makeExact(feeds.broadcast)]);
      for (const cursor of unplaced) cursor.moveTo(cursor.feed.position ?? cursor);
      [first, second] = await Promise.all([
        this.#judge(user, since.user, catchUp.isWanted),
        this.#judge(broadcast, since.broadcast, catchUp.isWanted),
      ]);
    } catch (error) {
      if (catchUp.isCurrent) throw error;
      return;
    }
    if (!catchUp.isCurrent || first === null || second === null) return;
    const verdicts = [first, second];
    const fault = first.fault ?? second.fault;
    const { resumes } = this.#options.resumed;
    resumes.set(fault ?? "recovered", (resumes.get(fault ?? "recovered") ?? 0) + 1);
    tell({
      recovered: fault === null,
      following: first.following + second.following,
      ...(fault === null ? {} : { reason: fault, message: resumeFaults[fault] }),
      offset: verdicts.map(({ cursor }) => placeOf(cursor)).join(","),
    });
    for (const { cursor, page, fault: own, gapFrom } of verdicts) {
      if (own !== null && gapFrom !== null) catchUp.tellGap(gapFrom, cursor, own);
      if (page !== null) catchUp.take(cursor, page);
    }
    catchUp.run();
  }

  async #judge(
    cursor: Cursor,
    from: Offset | "earliest" | null,
    isWanted: () => boolean,
  ): Promise<Verdict | null> {
    const { feed } = cursor;
    const nothing = { cursor, following: 0, fault: null, gapFrom: null, page: null };
    if (from === null) return nothing;
    if (from !== "earliest" && from.epoch === feed.epoch && from.n === feed.n) {
      cursor.moveTo(from);
      return nothing;
    }
    const { epoch } = feed;
    const page = await this.#options.reads.read(feed, from, isWanted);
    if (page === null) return null;
    // The log began anew and no notice has said so: the client must not be told that its old end is the live one.
    if (feed.epoch === epoch && page.top.epoch !== epoch) this.#options.onMoved(feed, page.top);
    return this.#verdict(cursor, from, page);
  }

  #verdict(cursor: Cursor, from: Offset | "earliest", page: LogPage): Verdict {
    const { outcome, top, first } = page;
    const oldest = { epoch: top.epoch, n: first - 1 };
    const start = from === "earliest" ? oldest : from;
    const wantsAll = from === "earliest" || from.n === 0;
    const isReplayed = outcome === "ok" || (outcome === "trimmed" && wantsAll);
    const place = outcome === "ok" ? start : oldest;
    const following = top.n - place.n;
    if (!isReplayed || following > this.#options.limit) {
      const fault = outcome === "ok" || isReplayed ? "too_many" : outcome;
      cursor.moveTo(cursor.feed.position ?? top);
      return { cursor, following: 0, fault, gapFrom: start, page: null };
    }
    cursor.moveTo(place);
    if (outcome === "ok") return { cursor, following, fault: null, gapFrom: null, page };
    return { cursor, following, fault: outcome, gapFrom: start, page: null };
  }
}

function placeOf({ feed, epoch, n }: Cursor): string {
  return formatOffset(feed.target, epoch, n);
}
