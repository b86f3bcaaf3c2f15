import { ErrorReply } from "@redis/client";
import { sliceText } from "../../bytes.ts";
import {
  type Lease,
  LeaseLost,
  type LogEntry,
  type LogPage,
  type LogPosition,
  type MissedUpdates,
  type ReadOutcome,
} from "../update-log.ts";

/** The reply of `tidings_append` and `tidings_positions`: as many positions as were asked for. */
export function readPositions(reply: unknown, count: number): readonly LogPosition[] {
  if (!Array.isArray(reply) || reply.length !== count) throw unreadable();
  return reply.map(readPosition);
}

/** The reply of `tidings_read`. The frames are views of what the connection handed over. */
export function readPage(reply: unknown): LogPage {
  if (!Array.isArray(reply)) throw unreadable();
  const [outcome, top, first, ...entries] = reply as readonly unknown[];
  if (typeof first !== "number") throw unreadable();
  return { outcome: readOutcome(outcome), top: readPosition(top), first, entries: entries.map(readEntry) };
}

/** The reply of `tidings_lease`. */
export function readLease(reply: unknown): Lease {
  if (!Array.isArray(reply)) throw unreadable();
  const [isHeld, time] = reply as readonly unknown[];
  if (typeof time !== "number") throw unreadable();
  return isHeld === 1 ? { isHeld: true, deadline: time } : { isHeld: false, deadline: 0 };
}

/** What Redis rejected with, where that is `tidings_append` saying that the lease has run out; else null. */
export function leaseFault(error: unknown): LeaseLost | null {
  const isLost = error instanceof ErrorReply && error.message.startsWith("LEASE ");
  return isLost ? new LeaseLost("the lease has run out") : null;
}

function readPosition(value: unknown): LogPosition {
  const text = readText(value);
  const dot = text.lastIndexOf(".");
  const n = Number(text.slice(dot + 1));
  if (dot < 1 || !Number.isSafeInteger(n)) throw unreadable();
  return { epoch: text.slice(0, dot), n };
}

function readEntry(value: unknown): LogEntry {
  if (!Array.isArray(value)) throw unreadable();
  const [n, frame, missed] = value as readonly unknown[];
  if (typeof n !== "number" || !(frame instanceof Uint8Array)) throw unreadable();
  return { n, frame, missed: readMissed(readText(missed)) };
}

/** Reads `<from>-<to> <producer as JSON>`; nothing at all where nothing is missing. */
function readMissed(text: string): MissedUpdates | null {
  if (text === "") return null;
  // A name may hold any character but those that JSON escapes: line separators of Unicode too.
  const [, from, to, producer] = /^(\d+)-(\d+) (.+)$/s.exec(text) ?? [];
  if (producer === undefined) throw unreadable();
  return { producer: JSON.parse(producer) as string | null, from: Number(from), to: Number(to) };
}

function readOutcome(value: unknown): ReadOutcome {
  const text = readText(value);
  if (text === "ok" || text === "trimmed" || text === "epoch_changed" || text === "ahead") return text;
  throw unreadable();
}

function readText(value: unknown): string {
  if (!(value instanceof Uint8Array)) throw unreadable();
  return sliceText(value, 0, value.length);
}

function unreadable(): TypeError {
  return new TypeError("the function library in Redis answered in a form that this relay does not know");
}
