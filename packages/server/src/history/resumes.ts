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
    const user = this.#cursor(feeds.user, previous);
    const broadcast = this.#cursor(feeds.broadcast, previous);
    const catchUp = new CatchUp(this.#options, client, [user, broadcast]);
    const [first, second] = await Promise.all([
      this.#judge(user, since.user),
      this.#judge(broadcast, since.broadcast),
    ]);
    if (!catchUp.isCurrent) return;
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

  /** Where a client is in a log before it says otherwise: where it was on its way, or at the live end. */
  #cursor(feed: Feed, previous: CatchUp | null): Cursor {
    const before = previous?.cursorOf(feed);
    return new Cursor(feed, before ?? feed.position ?? { epoch: feed.epoch, n: feed.n });
  }

  async #judge(cursor: Cursor, from: Offset | "earliest" | null): Promise<Verdict> {
    const { feed } = cursor;
    if (from === null) return { cursor, following: 0, fault: null, gapFrom: null, page: null };
    if (from !== "earliest" && from.epoch === feed.epoch && from.n === feed.n && feed.position !== null) {
      cursor.moveTo(from);
      return { cursor, following: 0, fault: null, gapFrom: null, page: null };
    }
    const page = await this.#options.reads.read(feed, from);
    if (feed.position === null) feed.bound(page.top);
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
