import { join } from "node:path";
import { Child } from "./child.ts";

/** A stream of updates at a steady rate, whatever happens to them. */
export interface StreamOptions {
  /** `EVERYONE`, or the first of the users that get the updates in turn. */
  readonly firstUser: number;
  readonly users: number;
  /** Updates per second. */
  readonly rate: number;
  /** Bytes of text in each update; about 140 more belong to its frame. */
  readonly textBytes: number;
  /** Whether to publish by PUBLISH, or by the function `tidings_publish` of the log; by PUBLISH unless given. */
  readonly by?: "PUBLISH" | "FCALL";
}

/** What became of a stream. */
export interface StreamReport {
  /** Updates written to Redis. */
  readonly published: number;
  /** Updates that Redis answered, with no error. */
  readonly confirmed: number;
  /** The first error that Redis answered, or null. */
  readonly error: string | null;
  /** Updates that fell due while there was no connection. */
  readonly skipped: number;
}

/** What a publisher process answers. */
export type PublisherCalls = {
  /** Connects to the Redis on a port of this machine, again and again where the connection is lost. */
  readonly connect: (port: number) => Promise<void>;
  readonly start: (options: StreamOptions) => void;
  /** Ends the stream, and waits up to five seconds for Redis to answer for all of it. */
  readonly stop: (input: null) => Promise<StreamReport>;
};

/** A process that publishes as a worker does, with bare commands, pipelined. */
export class Publisher extends Child<PublisherCalls> {
  constructor(core: number | null = null) {
    super(join(import.meta.dir, "publisher-process.ts"), core);
  }
}
