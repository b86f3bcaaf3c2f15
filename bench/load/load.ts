import { join } from "node:path";
import { Child } from "./child.ts";
import type { LatencySummary } from "./latency.ts";
import type { Tally } from "./tally.ts";

/** Which connections to open. */
export interface OpenOptions {
  readonly port: number;
  readonly count: number;
  /** The connections are shared out over the users from `firstUser` on, `users` of them. */
  readonly firstUser: number;
  readonly users: number;
  /** Has each connection prove its user by an HS256 token instead of `?user_id=`. */
  readonly secret?: string;
  /** Whether the connections offer `tidings.v1`. */
  readonly speaksTidings?: boolean;
  /** From where each user resumes, the first user's place first; nobody does unless given. */
  readonly since?: readonly string[];
  /** How many handshakes are under way at a time; 100 unless given. */
  readonly atOnce?: number;
}

/** Everything that a load process counted since its last mark. */
export type LoadReport = Omit<Tally, "latency" | "mark"> & { readonly latency: LatencySummary };

/** What a load process answers. */
export type LoadCalls = {
  /** Opens connections; answers when every handshake has ended. */
  readonly open: (options: OpenOptions) => Promise<{ readonly open: number; readonly refused: number }>;
  /** Begins a new count. */
  readonly mark: (input: null) => void;
  readonly count: (input: null) => { readonly open: number; readonly frames: number };
  readonly report: (input: null) => LoadReport;
  /** Reports and begins a new count in one step: no update falls between two laps. */
  readonly lap: (input: null) => LoadReport;
  /** Reads from none of its connections any more. */
  readonly stopReading: (input: null) => void;
  /** Begins the closing handshake on every connection. */
  readonly leave: (input: null) => void;
  /** Resets every connection without a word. */
  readonly vanish: (input: null) => void;
};

/** A process full of WebSocket clients that check what they receive. */
export class Load extends Child<LoadCalls> {
  constructor(core: number | null = null) {
    super(join(import.meta.dir, "load-process.ts"), core);
  }
}
