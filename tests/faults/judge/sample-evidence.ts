import type {
  ApplicationLog,
  Attempt,
  ClientEvent,
  ConnectionLog,
  Evidence,
  GapEvent,
  StandingEvent,
  UpdateEvent,
} from "./evidence.ts";

/** An attempt by FCALL that was stored; its number is its time, and its key says which update it is. */
export function attempt(offset: string | null, changes: Partial<Attempt> = {}): Attempt {
  const number = Number(offset?.split(".")[1] ?? 0);
  return {
    key: `update ${offset}`,
    target: "alice",
    path: "fcall",
    producer: null,
    seq: null,
    sentAt: number * 10,
    result: "ok",
    offset,
    ...changes,
  };
}

/** An update that arrived 5 ms after it was sent. */
export function update(offset: string, changes: Partial<UpdateEvent> = {}): UpdateEvent {
  const at = Number(offset.split(".")[1]) * 10 + 5;
  return { kind: "update", at, key: `update ${offset}`, offset, ...changes };
}

/** A welcome without a resume. */
export function standing(offset: string, changes: Partial<StandingEvent> = {}): StandingEvent {
  return {
    kind: "standing",
    at: 0,
    offset,
    since: null,
    recovered: null,
    following: 0,
    reason: null,
    ...changes,
  };
}

/** A gap of the user's own log. */
export function gap(changes: Partial<GapEvent>): GapEvent {
  return {
    kind: "gap",
    at: 0,
    reason: "trimmed",
    isBroadcast: false,
    after: null,
    next: null,
    producer: null,
    from: 0,
    to: 0,
    ...changes,
  };
}

/** A connection with these events, open at the end. */
function connection(events: readonly ClientEvent[], changes: Partial<ConnectionLog> = {}): ConnectionLog {
  return { relay: "relay 0", openedAt: 0, events, frames: events.length, closeCode: null, ...changes };
}

/** Alice with these connections, each a list of events. */
export function alice(...connections: readonly (readonly ClientEvent[])[]): ApplicationLog {
  return { name: "alice 0", user: "alice", connections: connections.map((events) => connection(events)) };
}

/** A run in which nothing happened, changed by what the test is about. */
export function evidence(changes: Partial<Evidence>): Evidence {
  return {
    history: true,
    attempts: [],
    applications: [],
    faults: [],
    stored: null,
    memory: [],
    baselines: [],
    processes: [],
    relays: [],
    recoveryMs: null,
    ...changes,
  };
}
