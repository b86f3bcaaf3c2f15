import { formatOffset, type GapPayload, gapFrame, type UpdateFault, UpdateReader } from "@tidings/protocol";
import type { MissedUpdates } from "../broker/update-log.ts";
import { sliceText } from "../bytes.ts";
import type { HistoryClient } from "./history-client.ts";

/** One update of a log, ready to be sent. */
export interface FramedUpdate {
  readonly n: number;
  /** Where a client stands that has it. */
  readonly offset: string;
  /** What Tidings clients are told before it, or null. */
  readonly gap: string | null;
  /** What all clients get, or null where the log holds something that is no update. */
  readonly frame: string | null;
  readonly bytes: number;
}

/** What a framer works with. */
export interface LogFramerOptions {
  readonly maxBytes: number;
  /** The log holds something that is no update: somebody wrote to it past the function library. */
  readonly onMalformed: (fault: UpdateFault, bytes: number) => void;
}

/** Makes what clients receive of what a log holds. */
export class LogFramer {
  readonly #options: LogFramerOptions;
  readonly #reader: UpdateReader;

  constructor(options: LogFramerOptions) {
    this.#options = options;
    // A frame has no target any more, which for this reader is one more form of a valid update.
    this.#reader = new UpdateReader({
      maxBytes: options.maxBytes,
      implicitBroadcast: true,
      decode: sliceText,
    });
  }

  /** Frames the update with the number `n`. Never throws. */
  frame(
    target: string,
    epoch: string,
    n: number,
    missed: MissedUpdates | null,
    bytes: Uint8Array,
  ): FramedUpdate {
    const offset = formatOffset(target, epoch, n);
    const fault = this.#reader.read(bytes);
    if (fault !== null) {
      this.#options.onMalformed(fault, bytes.length);
      return { n, offset, gap: gapFrame(malformedGap(target, epoch, n)), frame: null, bytes: 0 };
    }
    const gap = missed === null ? null : gapFrame(missedGap(target, epoch, n, missed));
    return { n, offset, gap, frame: this.#reader.frameAt(offset), bytes: this.#reader.frameBytesAt(offset) };
  }
}

/** Sends one update to one client, what is missing before it first. True where the client took it. */
export function sendUpdate(client: HistoryClient, update: FramedUpdate): boolean {
  if (update.gap !== null) client.sendSystem(update.gap);
  return update.frame !== null && client.send(update.frame, update.bytes, update.offset);
}

function malformedGap(target: string, epoch: string, n: number): GapPayload {
  return {
    ...placeOf(target, epoch, n - 1, n + 1),
    reason: "malformed",
    message: `number ${n} of the log is not an update; it was not written by the function library`,
  };
}

function missedGap(target: string, epoch: string, n: number, missed: MissedUpdates): GapPayload {
  const { producer, from, to } = missed;
  return {
    ...placeOf(target, epoch, n - 1, n),
    reason: "seq",
    message: "the producer's counter says that updates never reached the log",
    producer,
    from,
    to,
  };
}

function placeOf(
  target: string,
  epoch: string,
  after: number,
  next: number,
): Pick<GapPayload, "recovered" | "broadcast" | "after" | "next"> {
  return {
    recovered: false,
    broadcast: target === "*",
    after: formatOffset(target, epoch, after),
    next: formatOffset(target, epoch, next),
  };
}
