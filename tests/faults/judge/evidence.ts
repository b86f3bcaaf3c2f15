/** What a publisher knows of an update: stored for certain, refused for certain, or neither. */
export type AttemptResult = "ok" | "fail" | "unknown";

/** One attempt to publish one update. All times are milliseconds of one monotonic clock. */
export interface Attempt {
  /** What the payload carries, one of its own for each attempt. */
  readonly key: string;
  /** The user, or `"*"`. */
  readonly target: string;
  readonly path: "fcall" | "plain" | "http";
  readonly producer: string | null;
  readonly seq: number | null;
  readonly sentAt: number;
  readonly result: AttemptResult;
  /** What the publisher was answered, or null. */
  readonly offset: string | null;
}

/** An update as a client received it. */
export interface UpdateEvent {
  readonly kind: "update";
  readonly at: number;
  readonly key: string;
  readonly offset: string | null;
}

/** `tidings.welcome` or `tidings.resumed`: where the connection stands. */
export interface StandingEvent {
  readonly kind: "standing";
  readonly at: number;
  /** `<user offset>,<broadcast offset>`, or null where the relay could not tell. */
  readonly offset: string | null;
  /** What was asked to be resumed from, or null. */
  readonly since: string | null;
  readonly recovered: boolean | null;
  readonly following: number;
  readonly reason: string | null;
}

/** `tidings.gap`. */
export interface GapEvent {
  readonly kind: "gap";
  readonly at: number;
  readonly reason: string;
  readonly isBroadcast: boolean;
  readonly after: string | null;
  readonly next: string | null;
  readonly producer: string | null;
  readonly from: number;
  readonly to: number;
}

/** What an application sees of a connection, in its order. */
export type ClientEvent = UpdateEvent | StandingEvent | GapEvent;

/** One connection of an application. */
export interface ConnectionLog {
  readonly relay: string;
  readonly openedAt: number;
  readonly events: readonly ClientEvent[];
  /** Text frames of every kind that arrived. */
  readonly frames: number;
  /** Null while it is open. */
  readonly closeCode: number | null;
}

/** One application: a user's client over all its connections, one after the other. */
export interface ApplicationLog {
  readonly name: string;
  readonly user: string;
  readonly connections: readonly ConnectionLog[];
}

/** A fault that was made. */
export interface FaultWindow {
  readonly name: string;
  readonly from: number;
  /** When everything was mended again. */
  readonly to: number;
  /** Whether plain PUBLISH, or any publish without history, may lose updates meanwhile. */
  readonly mayLose: boolean;
}

/** An entry read from a Redis stream, past the relay. */
export interface StoredEntry {
  readonly target: string;
  readonly offset: string;
  readonly key: string;
}

/** A process's memory over the run, in bytes. */
export interface MemoryLog {
  readonly process: string;
  readonly samples: readonly { readonly at: number; readonly bytes: number }[];
  /** Most it may ever have. */
  readonly limit: number;
  /** Where memory must be flat: the last fifth's mean is at most this many times the second fifth's. */
  readonly flatRatio: number | null;
}

/** A number that must come back to where it was. */
export interface BaselineLog {
  readonly what: string;
  readonly before: number;
  readonly after: number;
  /** Largest ratio of after to before. */
  readonly ratio: number;
}

/** How a process ended or goes on. */
export interface ProcessLog {
  readonly name: string;
  /** `running`, an exit status, or the name of a signal. */
  readonly expected: "running" | number | NodeJS.Signals;
  readonly actual: "running" | number | NodeJS.Signals;
  /** Lines of its log that tell of a fault nobody foresaw. */
  readonly faults: readonly string[];
}

/** What a relay counted, to be held against what the clients of the run saw. */
export interface RelayCounts {
  readonly relay: string;
  readonly handshakes: number;
  readonly framesSent: number;
  readonly framesDropped: number;
  /** Updates handed to clients, live or from the log. */
  readonly deliveries: number;
  readonly resubscriptions: number;
  /** How often its subscription was cut for certain. */
  readonly cuts: number;
  /** Whether every frame that it sent must have arrived: no connection was cut while frames were under way. */
  readonly isExact: boolean;
}

/** Everything that is known of one run. */
export interface Evidence {
  /** Whether the relays kept a history. */
  readonly history: boolean;
  readonly attempts: readonly Attempt[];
  readonly applications: readonly ApplicationLog[];
  readonly faults: readonly FaultWindow[];
  /** What the streams hold at the end; null where they were not read or do not hold the whole run. */
  readonly stored: readonly StoredEntry[] | null;
  readonly memory: readonly MemoryLog[];
  readonly baselines: readonly BaselineLog[];
  readonly processes: readonly ProcessLog[];
  readonly relays: readonly RelayCounts[];
  /** How long after a fault was mended each application may wait for its first frame; null where nothing is promised. */
  readonly recoveryMs: number | null;
}

/** One broken promise. */
export interface Violation {
  /** `I1` to `I10` of the reliability notes. */
  readonly invariant: `I${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10}`;
  /** What kind of breach, for tests: `lost`, `duplicate`, … */
  readonly kind: string;
  readonly detail: string;
}
