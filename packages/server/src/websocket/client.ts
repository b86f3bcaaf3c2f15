import { type CloseCode, type CloseName, closeCodes, closingFrame } from "@tidings/protocol";
import type { ServerWebSocket } from "bun";
import type { Identity } from "../auth/authenticator.ts";
import type { CatchUp } from "../history/catch-up.ts";
import type { Feed } from "../history/feed.ts";
import type { HistoryClient } from "../history/history-client.ts";
import type { Release } from "./admission.ts";
import type { ClientCounters } from "./client-counters.ts";
import type { Caller } from "./door.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import type { Hub } from "./hub.ts";
import type { Debtor, OutboxBudget } from "./outbox-budget.ts";
import type { Session, SocketEnd } from "./session.ts";
import type { TokenBucket } from "./token-bucket.ts";
import { peerName } from "./unread-input.ts";
import type { WriteQueue } from "./write-queue.ts";

/** What all clients of a relay share. */
export interface ClientContext {
  readonly hub: Hub;
  readonly heartbeat: Heartbeat;
  /** Handles what a client sends. */
  readonly readPump: { receive(client: Client, message: string | Uint8Array): void };
  readonly writes: WriteQueue;
  readonly counters: ClientCounters;
  /** Most bytes that may wait for one client, in its outbox and in its socket together. */
  readonly bufferBytes: number;
  /** Bounds what waits for all clients together. */
  readonly budget: OutboxBudget;
  readonly newConnectionId: () => string;
  /** Called once when a client's socket is open, before anything is sent. */
  readonly onOpened: (client: Client) => void;
  /** Called next, once updates reach the client: says what a Tidings client is told first, and from where it goes on. */
  readonly begin: (client: Client) => void;
  /** Called once when a client is gone, after it left the hub. `by` is the relay's own code, or null. */
  readonly onClosed: (client: Client, end: SocketEnd, by: CloseName | null) => void;
}

/** Who is at the other end of a client's connection. */
export interface ClientIdentity extends Identity, Caller {
  /** Whether the client offered `tidings.v1`, and so gets system frames. */
  readonly speaksTidings: boolean;
  /** How far the user is delivered on this relay; null without history. The client gives it back when it is gone. */
  readonly feed: Feed | null;
  /** From where the client asks to resume, or null. */
  readonly since: string | null;
}

/**
 * More than this, or a quarter of the bound where that is less, waiting within one batch of input is written at once, so
 * that a fast client is never called slow.
 */
const EARLY_FLUSH_BYTES = 65_536;

/** More pings and pongs than this between two pings of the relay close a client (4429). */
const MAX_CONTROL_FRAMES = 256;

/** When a client that flooded may come back, in milliseconds. */
const FLOOD_RETRY_MS = 5_000;

/** How a close may differ from the table. */
export interface CloseDetails {
  readonly reason?: string;
  readonly retryAfterMs?: number;
}

/**
 * The relay's side of one user's connection, and the only one that writes to its socket. What comes in goes through the
 * read pump; what goes out waits in an outbox, bounded in bytes, until the write queue or the socket's drain calls.
 */
export class Client implements Session, Beating, HistoryClient, Debtor {
  readonly userId: string;
  readonly address: string;
  readonly peerAddress: string;
  readonly peerPort: number;
  readonly speaksTidings: boolean;
  /** `jti` and `iat` of the token that counts; a new token replaces them. */
  tokenId: string | undefined;
  issuedAt: number | undefined;
  /** When the identity runs out, in milliseconds since 1970, or null. A new token moves it. */
  expiresAt: number | null;
  /** When the socket opened, in monotonic milliseconds. */
  openedAt = 0;
  /** Whether anything came from the client since the heartbeat last looked. */
  isAlive = true;
  heartbeatSlot = -1;
  heartbeatIndex = 0;
  readonly feed: Feed | null;
  readonly since: string | null;
  catchUp: CatchUp | null = null;
  awaitsPong = false;
  waitingBytes = 0;
  /** Limits what the client sends; made with its first message, since most clients never send one. */
  bucket: TokenBucket | null = null;

  readonly #context: ClientContext;
  readonly #release: Release;
  /** Made when it is asked for: nobody asks a plain client that says nothing. */
  #connectionId: string | null = null;
  #socket: ServerWebSocket<Session> | null = null;
  #outbox: string[] = [];
  #outboxBytes = 0;
  #isQueued = false;
  /** Whether the socket holds bytes that the network did not take yet; frames then wait in the outbox. */
  #isBlocked = false;
  #closedBy: CloseName | null = null;
  /** Pings and pongs that came since the relay's last ping. */
  #controlFrames = 0;

  /** `release` gives back the place the connection was admitted to, once it is gone. */
  constructor(identity: ClientIdentity, context: ClientContext, release: Release) {
    this.userId = identity.userId;
    this.address = identity.address;
    this.peerAddress = identity.peerAddress;
    this.peerPort = identity.peerPort;
    this.speaksTidings = identity.speaksTidings;
    this.feed = identity.feed;
    this.since = identity.since;
    this.expiresAt = identity.expiresAt;
    this.tokenId = identity.tokenId;
    this.issuedAt = identity.issuedAt;
    this.#context = context;
    this.#release = release;
  }

  get connectionId(): string {
    return (this.#connectionId ??= this.#context.newConnectionId());
  }

  get peer(): string {
    return peerName(this.peerAddress, this.peerPort);
  }

  /** Whether frames can still be sent: from the socket's opening until either side closes. */
  get isOpen(): boolean {
    return this.#socket !== null && this.#closedBy === null;
  }

  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  opened(socket: ServerWebSocket<Session>): void {
    this.#socket = socket;
    this.#context.onOpened(this);
    this.#context.heartbeat.add(this);
    this.#context.hub.register(this);
    this.#context.begin(this);
  }

  received(message: string | Uint8Array): void {
    this.isAlive = true;
    if (this.isOpen) this.#context.readPump.receive(this, message);
  }

  /** A client that sends pings and reads no pongs fills its socket without any update, and is too slow all the same. */
  pinged(): void {
    this.heard();
    if (this.isOpen && this.#buffered() > this.#context.bufferBytes) this.#giveUp();
  }

  /** Counts control frames, which no message rate holds: a flood of them is cut short in the middle. */
  heard(): void {
    this.isAlive = true;
    this.#controlFrames += 1;
    if (this.#controlFrames > MAX_CONTROL_FRAMES)
      this.close("too_many_messages", { retryAfterMs: FLOOD_RETRY_MS });
  }

  /**
   * Puts a frame of `bytes` bytes into the outbox. Never throws and never waits. A client whose outbox and socket
   * together would hold more than the bound is closed with 4480 instead, a moment later, so that a caller that walks
   * over clients may go on. True where the frame was taken.
   */
  send(frame: string, bytes: number): boolean {
    if (!this.isOpen) return false;
    const { counters, bufferBytes } = this.#context;
    const early = Math.min(EARLY_FLUSH_BYTES, bufferBytes / 4);
    if (!this.#isBlocked && this.#outboxBytes + bytes > early) this.#write();
    const waiting = this.#outboxBytes + bytes + (this.#isBlocked ? this.#buffered() : 0);
    if (waiting > counters.outboxHighWater) counters.outboxHighWater = waiting;
    this.#outbox.push(frame);
    this.#outboxBytes += bytes;
    if (waiting > bufferBytes && this.#isBlocked) {
      this.#giveUp();
      return false;
    }
    if (this.#isBlocked) this.#context.budget.note(this, waiting);
    else this.#enqueue();
    return true;
  }

  /** Sends a system frame to a Tidings client; a plain one receives updates and nothing else. */
  sendSystem(frame: string): void {
    if (this.speaksTidings) this.send(frame, Buffer.byteLength(frame));
  }

  /** Sends a protocol ping (RFC 6455, 5.5.2). */
  ping(): void {
    this.#controlFrames = 0;
    if (this.isOpen) this.#socket?.ping();
  }

  flush(): void {
    this.#isQueued = false;
    if (this.#closedBy !== null) this.#finish(closeCodes[this.#closedBy], {});
    else if (!this.#isBlocked) this.#write();
  }

  drained(): void {
    if (this.#closedBy !== null || this.#buffered() > 0) return;
    this.#isBlocked = false;
    this.#write();
    if (!this.#isBlocked) this.catchUp?.writable();
  }

  /**
   * Closes the connection by a row of the table: writes what waits, tells a Tidings client why and when to come back,
   * and sends the Close frame. Does nothing where the connection is closing already.
   */
  close(name: CloseName, details: CloseDetails = {}): void {
    if (!this.isOpen) return;
    this.#write();
    this.#closedBy = name;
    this.#finish(closeCodes[name], details);
  }

  shed(): void {
    if (this.isOpen) this.#giveUp();
    else this.#socket?.terminate();
  }

  closed(end: SocketEnd): void {
    const { hub, heartbeat, counters, budget, onClosed } = this.#context;
    this.#socket = null;
    counters.framesDropped += this.#outbox.length;
    this.#outbox = [];
    this.#outboxBytes = 0;
    budget.note(this, 0);
    this.catchUp?.end();
    heartbeat.remove(this);
    hub.unregister(this);
    this.#release(this.#closedBy !== null);
    onClosed(this, end, this.#closedBy);
  }

  #enqueue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#context.writes.add(this);
  }

  /** Marks the client as too slow and lets go of what waits; the close itself comes with the next flush. */
  #giveUp(): void {
    this.#closedBy = "too_slow";
    this.#context.counters.framesDropped += this.#outbox.length;
    this.#outbox = [];
    this.#outboxBytes = 0;
    this.#context.budget.note(this, this.#buffered());
    this.#enqueue();
  }

  #buffered(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  #write(): void {
    const socket = this.#socket;
    const count = this.#outbox.length;
    if (socket === null || count === 0) return;
    const { counters } = this.#context;
    counters.framesSent += count;
    counters.bytesSent += this.#outboxBytes;
    const [first] = this.#outbox;
    if (count === 1 && first !== undefined) this.#isBlocked = socket.send(first) < 0;
    else {
      socket.cork(Client.#writeAll);
      this.#isBlocked = socket.getBufferedAmount() > 0;
    }
    this.#outbox.length = 0;
    this.#outboxBytes = 0;
    if (this.#isBlocked || this.waitingBytes > 0) this.#context.budget.note(this, this.#buffered());
  }

  /** One function for all clients: one for each would cost every connection memory. */
  static readonly #writeAll = (socket: ServerWebSocket<Session>): void => {
    const { data } = socket;
    if (!(data instanceof Client)) return;
    for (const frame of data.#outbox) socket.send(frame);
  };

  #finish(row: CloseCode, details: CloseDetails): void {
    const socket = this.#socket;
    if (socket === null) return;
    const reason = details.reason ?? row.reason;
    if (this.speaksTidings) {
      const retry = details.retryAfterMs ?? (row.comeBack === "now" ? 0 : undefined);
      socket.send(
        closingFrame({
          code: row.code,
          reason,
          come_back: row.comeBack,
          ...(retry === undefined ? {} : { retry_after_ms: retry }),
        }),
      );
    }
    const advice = details.retryAfterMs === undefined ? "" : `; retry_after_ms=${details.retryAfterMs}`;
    socket.close(row.code, reason + advice);
  }
}
