import type { CloseName } from "@tidings/protocol";
import type { Clock, Random } from "../clock.ts";
import type { CatchUp } from "../history/catch-up.ts";
import type { Feed } from "../history/feed.ts";
import type { RelayClient } from "../relay-client.ts";
import type { Release } from "../websocket/admission.ts";
import type { ClientCounters } from "../websocket/client-counters.ts";
import type { ClientIdentity, CloseDetails } from "../websocket/client.ts";
import type { Beating, Heartbeat } from "../websocket/heartbeat.ts";
import type { Hub } from "../websocket/hub.ts";
import type { Debtor, OutboxBudget } from "../websocket/outbox-budget.ts";
import { peerName } from "../websocket/unread-input.ts";
import type { Writer, WriteQueue } from "../websocket/write-queue.ts";
import { eventText, HEARTBEAT_TEXT, retryText } from "./event-text.ts";
import { farewell } from "./farewell.ts";
import { StreamPosition } from "./stream-position.ts";

/** The writing end of a stream, as Bun has it: `write` gives a promise while the network takes no more. */
export type StreamSink = Pick<ReadableStreamDirectController, "write" | "flush" | "end">;

/** What all streams of a relay share. */
export interface StreamContext {
  readonly hub: Hub;
  readonly heartbeat: Heartbeat;
  readonly writes: WriteQueue;
  readonly counters: ClientCounters;
  readonly clock: Clock;
  readonly random: Random;
  /** Most bytes that may wait for one client, in its outbox and in its socket together. */
  readonly bufferBytes: number;
  /** Bounds what waits for all clients together. */
  readonly budget: OutboxBudget;
  readonly newConnectionId: () => string;
  /** Called once when a stream has begun, before it is told anything. */
  readonly onOpened: (client: StreamClient) => void;
  /** Called next, once updates reach the client: says what it is told first, and from where it goes on. */
  readonly begin: (client: StreamClient) => void;
  /** Called once when a client is gone, after it left the hub. `by` is the relay's own code, or null. */
  readonly onClosed: (client: StreamClient, by: CloseName | null) => void;
}

/** What a stream takes over from its request. */
export interface StreamPlace {
  /** Gives back the place that the connection was admitted to. */
  readonly release: Release;
  /** Says how long the rest of the stream may take to be read, once no more is to come. */
  readonly limitEnd: () => void;
}

/**
 * More than this waiting within one batch of input, or a quarter of the bound, is written at once: so a fast client is
 * never called slow, and who replays knows of a slow one before the next page, which may take half the bound.
 */
const EARLY_FLUSH_BYTES = 65_536;

/** How long the network may take nothing before a client counts as lost, in milliseconds. */
const STALL_MS = 60_000;

/** How long an EventSource waits before it comes back after a cut, at least; as much again is left to chance. */
const RETRY_MS = 1_000;

/**
 * The relay's side of one user's stream of server-sent events, and the only one that writes to it. Frames become events,
 * which wait in an outbox, bounded in bytes, until the write queue calls or the network takes more.
 */
export class StreamClient implements RelayClient, Beating, Writer, Debtor {
  readonly connectionId: string;
  readonly userId: string;
  readonly address: string;
  readonly peer: string;
  readonly speaksTidings: boolean;
  readonly feed: Feed | null;
  readonly since: string | null;
  readonly expiresAt: number | null;
  readonly tokenId: string | undefined;
  readonly issuedAt: number | undefined;
  openedAt = 0;
  catchUp: CatchUp | null = null;
  isAlive = true;
  heartbeatSlot = -1;
  heartbeatIndex = 0;
  awaitsPong = false;
  waitingBytes = 0;

  readonly #context: StreamContext;
  readonly #place: StreamPlace;
  readonly #position = new StreamPosition();
  #sink: StreamSink | null;
  #outbox: string[] = [];
  #outboxBytes = 0;
  #isQueued = false;
  /** Since when the network takes no more, in monotonic milliseconds; null where it does. */
  #blockedAt: number | null = null;
  /** Most bytes of what was written last that the network did not take yet. */
  #unsentBytes = 0;
  #closedBy: CloseName | null = null;

  /** The stream has begun: it joins the hub with {@link open}. */
  constructor(identity: ClientIdentity, context: StreamContext, place: StreamPlace, sink: StreamSink) {
    this.connectionId = context.newConnectionId();
    this.userId = identity.userId;
    this.address = identity.address;
    this.peer = peerName(identity.peerAddress, identity.peerPort);
    this.speaksTidings = identity.speaksTidings;
    this.feed = identity.feed;
    this.since = identity.since;
    this.expiresAt = identity.expiresAt;
    this.tokenId = identity.tokenId;
    this.issuedAt = identity.issuedAt;
    this.#context = context;
    this.#place = place;
    this.#sink = sink;
  }

  /** Whether frames can still be sent: until either side ends the stream. */
  get isOpen(): boolean {
    return this.#sink !== null && this.#closedBy === null;
  }

  get isBlocked(): boolean {
    return this.#blockedAt !== null;
  }

  /** Begins to send. Called once, first. */
  open(): void {
    const { random, hub, heartbeat, onOpened, begin } = this.#context;
    this.#put(`${retryText(Math.floor(RETRY_MS * (1 + random())))}\n`, 0);
    onOpened(this);
    heartbeat.add(this);
    hub.register(this);
    begin(this);
  }

  /**
   * Puts a frame of `bytes` bytes into the outbox as an event. Never throws and never waits. A client whose outbox and
   * socket together would hold more than the bound is closed with 4480 instead, a moment later, so that a caller that
   * walks over clients may go on. True where the frame was taken.
   */
  send(frame: string, bytes: number, offset?: string): boolean {
    if (!this.isOpen) return false;
    const text = eventText(frame, offset === undefined ? null : this.#position.move(offset));
    // What an event adds to its frame is ASCII.
    const size = bytes + text.length - frame.length;
    const waiting = this.#outboxBytes + size + this.#unsentBytes;
    const { counters, bufferBytes } = this.#context;
    if (waiting > counters.outboxHighWater) counters.outboxHighWater = waiting;
    this.#outbox.push(text);
    this.#outboxBytes += size;
    if (this.isBlocked && waiting > bufferBytes) {
      this.#giveUp();
      return false;
    }
    if (this.isBlocked) this.#owe();
    else if (this.#outboxBytes > Math.min(EARLY_FLUSH_BYTES, bufferBytes / 4)) this.#write();
    else this.#enqueue();
    return true;
  }

  sendSystem(frame: string, offset?: string): void {
    this.send(frame, Buffer.byteLength(frame), offset);
  }

  /** Shows that the stream lives. Nothing comes back from a client, so one is lost only where the network says so. */
  ping(): void {
    if (!this.isOpen) return;
    this.isAlive = this.#blockedAt === null || this.#context.clock.monotonic() - this.#blockedAt < STALL_MS;
    if (!this.isBlocked) this.#put(HEARTBEAT_TEXT, HEARTBEAT_TEXT.length);
  }

  flush(): void {
    this.#isQueued = false;
    if (this.#closedBy !== null) this.#finish(this.#closedBy, {});
    else if (!this.isBlocked) this.#write();
  }

  close(name: CloseName, details: CloseDetails = {}): void {
    if (!this.isOpen) return;
    this.#write();
    this.#closedBy = name;
    this.#finish(name, details);
  }

  /** The other side is gone, or the relay stops at once. */
  gone(): void {
    if (this.#sink !== null) this.#end();
  }

  shed(): void {
    if (this.isOpen) this.#giveUp();
  }

  #enqueue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#context.writes.add(this);
  }

  /** Tells the budget of all clients how much waits for this one. */
  #owe(): void {
    this.#context.budget.note(this, this.#outboxBytes + this.#unsentBytes);
  }

  /** Marks the client as too slow and lets go of what waits; the end itself comes with the next flush. */
  #giveUp(): void {
    this.#closedBy = "too_slow";
    this.#dropOutbox();
    this.#owe();
    this.#enqueue();
  }

  #write(): void {
    const count = this.#outbox.length;
    if (count === 0) return;
    const { counters } = this.#context;
    const bytes = this.#outboxBytes;
    counters.framesSent += count;
    counters.bytesSent += bytes;
    const text = this.#outbox.join("");
    this.#outbox.length = 0;
    this.#outboxBytes = 0;
    this.#put(text, bytes);
  }

  #put(text: string, bytes: number): void {
    const sink = this.#sink;
    if (sink === null) return;
    const taken = sink.write(text);
    void sink.flush();
    if (typeof taken === "number") return;
    this.#unsentBytes += bytes;
    this.#owe();
    if (this.#blockedAt !== null) return;
    this.#blockedAt = this.#context.clock.monotonic();
    const drained = (): void => this.#drained();
    taken.then(drained, drained);
  }

  #drained(): void {
    this.#blockedAt = null;
    this.#unsentBytes = 0;
    if (this.isOpen) this.#write();
    this.#owe();
    if (this.isOpen && !this.isBlocked) this.catchUp?.writable();
  }

  #finish(name: CloseName, details: CloseDetails): void {
    const sink = this.#sink;
    if (sink === null) return;
    void sink.write(farewell(name, details));
    this.#place.limitEnd();
    void sink.end();
    this.#end();
  }

  #end(): void {
    const { hub, heartbeat, onClosed } = this.#context;
    this.#sink = null;
    this.#dropOutbox();
    this.#unsentBytes = 0;
    this.#owe();
    this.catchUp?.end();
    heartbeat.remove(this);
    hub.unregister(this);
    this.#place.release(this.#closedBy !== null);
    onClosed(this, this.#closedBy);
  }

  #dropOutbox(): void {
    this.#context.counters.framesDropped += this.#outbox.length;
    this.#outbox = [];
    this.#outboxBytes = 0;
  }
}
