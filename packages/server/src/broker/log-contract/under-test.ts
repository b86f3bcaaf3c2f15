import { expect } from "bun:test";
import { eventually } from "../../../../../tests/support/eventually.ts";
import { LogNoticeReader } from "../log-notice.ts";
import type {
  LogBounds,
  LogDraft,
  LogEntry,
  LogPage,
  LogPosition,
  MissedUpdates,
  PageLimit,
  UpdateLog,
} from "../update-log.ts";

/** A log that can be used at once, and what its tests need beside it. */
export interface LogUnderTest extends AsyncDisposable {
  readonly log: UpdateLog;
  /**
   * Hands on every notice published from when the promise resolves, over one connection of its own. The bytes hold until
   * the handler returns.
   */
  subscribe(handler: (notice: Uint8Array) => void): Promise<void>;
  /** Loses one log, as when its store lost it. */
  forget(target: string): Promise<void>;
}

/** Makes a fresh, empty log for one test. */
export type MakeLog = (bounds: LogBounds) => Promise<LogUnderTest>;

/** Bounds that no test reaches by accident. */
export const WIDE: LogBounds = {
  updates: 1_000,
  bytes: 8 * 1_048_576,
  ttlMs: 60_000,
  maxUpdateBytes: 1_048_576,
};

/** A page that holds everything. */
export const ALL: PageLimit = { updates: 100_000, bytes: 64 * 1_048_576 };

/** A draft without id and counter, unless told otherwise. */
export function draft(target: string, frame: string | Uint8Array, more: Partial<LogDraft> = {}): LogDraft {
  return { target, frame, id: null, seq: null, producer: null, ...more };
}

/** Appends one draft. */
export async function append(log: UpdateLog, one: LogDraft): Promise<LogPosition> {
  return only(await log.append([one]));
}

/** Appends frames `"<from>"` to `"<to>"`, one after the other. */
export async function appendNumbers(
  log: UpdateLog,
  target: string,
  from: number,
  to: number,
): Promise<LogPosition> {
  const drafts = Array.from({ length: to - from + 1 }, (_, index) => draft(target, String(from + index)));
  const last = (await log.append(drafts)).at(-1);
  if (last === undefined) throw new Error("nothing was appended");
  return last;
}

/** Where one log stands. */
export async function position(log: UpdateLog, target: string): Promise<LogPosition> {
  return only(await log.positions([target]));
}

/** The only element of a list. */
export function only<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined || list.length !== 1) throw new Error(`expected one element, got ${list.length}`);
  return first;
}

/** An entry as text. */
export function shown(entry: LogEntry): readonly [number, string] {
  return [entry.n, text(entry.frame)];
}

/** A page's entries as text; the page must be `ok`. */
export function entries(page: LogPage): readonly (readonly [number, string])[] {
  expect(page.outcome).toBe("ok");
  return page.entries.map(shown);
}

/** What each entry of a page says is missing before it. */
export function holes(page: LogPage): readonly (MissedUpdates | null)[] {
  return page.entries.map((entry) => entry.missed);
}

/** One notice, read. */
export interface SeenNotice {
  readonly target: string;
  readonly position: LogPosition;
  readonly missed: MissedUpdates | null;
  readonly frame: string;
}

/** Keeps the notices of a log. */
export class NoticeBoard {
  /** Copies of the notices, in their order. */
  readonly all: Uint8Array[] = [];

  /** Listens to a log. What is appended after it resolved is seen. */
  static async of(it: LogUnderTest): Promise<NoticeBoard> {
    const board = new NoticeBoard();
    await it.subscribe((notice) => board.all.push(Uint8Array.from(notice)));
    return board;
  }

  /** Waits for this many notices, and takes them all. */
  async take(count: number): Promise<Uint8Array[]> {
    await eventually(`${count} notices arrived`, () => this.all.length >= count);
    return this.all.splice(0);
  }

  /** Waits for this many notices, and reads them all. */
  async read(count: number): Promise<SeenNotice[]> {
    return (await this.take(count)).map(seen);
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

/** UTF-8 as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function seen(notice: Uint8Array): SeenNotice {
  const reader = new LogNoticeReader();
  if (!reader.read(notice)) throw new Error(`not a notice: ${text(notice)}`);
  const { target, epoch, n, missed, frameStart } = reader;
  return { target, position: { epoch, n }, missed, frame: text(notice.subarray(frameStart)) };
}
