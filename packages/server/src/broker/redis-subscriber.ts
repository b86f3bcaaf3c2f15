import { ClientClosedError, ErrorReply, SocketClosedUnexpectedlyError } from "@redis/client";
import type { Socket } from "bun";
import type { Clock } from "../clock.ts";
import type { Subscriptions } from "./broker.ts";
import { MessageReader } from "./message-reader.ts";
import type { PostQueue } from "./post-queue.ts";
import type { ReadPacer } from "./read-pacer.ts";
import type { RedisTarget } from "./redis-target.ts";
import { RespFault, RespPush, type RespValue } from "./resp-value.ts";

/** What a {@link RedisSubscriber} needs. */
export interface RedisSubscriberOptions {
  readonly target: RedisTarget;
  /** Name that `CLIENT LIST` shows. */
  readonly name: string;
  /** Every channel to listen on. The handlers must not throw. */
  readonly subscriptions: Subscriptions;
  /** Says when the connection is left alone for a moment. It is stopped with the subscriber. */
  readonly pacer: ReadPacer;
  /** What is published on this connection. All that waits is rejected with the connection. */
  readonly posts: PostQueue;
  /** What is published within so many milliseconds after a write waits until they are over, and leaves together. */
  readonly gatherMs: number;
  readonly clock: Clock;
  /** The connection is of no more use, and wants to be destroyed. May be called again. */
  readonly onFault: (error: unknown) => void;
}

/** What `Bun.connect` says of an error in TLS or on the way. */
type SocketError = Error | null | undefined;

/**
 * The connection that messages come on, made once as a {@link RedisConnection} is. It has a reader of its own since all
 * that the relay delivers passes here, most of it for users who are elsewhere: a message costs a view of the bytes that
 * were received and no string, no promise, no event.
 */
export class RedisSubscriber {
  readonly #options: RedisSubscriberOptions;
  readonly #reader: MessageReader;
  #socket: Socket | null = null;
  #destroyed = false;
  /** Who waits for the next reply, or for the subscriptions to stand. */
  #waiting: PromiseWithResolvers<RespValue> | null = null;
  #missing: Set<string> | null = null;
  /** What the socket did not take yet. Nothing else is sent before it. */
  #unsent: Uint8Array = new Uint8Array();
  #isFlushing = false;
  #flushedAt = -Infinity;

  constructor(options: RedisSubscriberOptions) {
    this.#options = options;
    this.#reader = new MessageReader(options.subscriptions, (value) => this.#onValue(value));
  }

  /** Connects and logs in. Rejects where that fails, or when the connection is destroyed meanwhile. */
  async open(): Promise<void> {
    await this.#connect();
    const { username = "default", password } = this.#options.target;
    const login = password === undefined ? [] : ["AUTH", username, password];
    // RESP3 logs in and sets the name by HELLO, which no ACL can forbid.
    const greeting = await this.#ask(["HELLO", "3", ...login, "SETNAME", this.#options.name]);
    if (!Array.isArray(greeting)) throw new RespFault("HELLO was not answered by a map");
  }

  /** Subscribes to all channels with one command, and resolves when all stand. */
  async subscribe(): Promise<void> {
    const channels = [...this.#options.subscriptions.keys()];
    this.#missing = new Set(channels);
    await this.#ask(["SUBSCRIBE", ...channels]);
  }

  /**
   * Publishes a message, in one write with all others of this turn of the event loop, or of a moment where
   * many come: a write that wakes Redis costs more than a message. RESP3 allows it on a connection that subscribes; its
   * answers then share reads with what is subscribed to. Rejects as {@link PostQueue.add}.
   */
  post(channel: string, message: string): Promise<void> {
    if (this.#destroyed) return Promise.reject(new ClientClosedError());
    const { posts, gatherMs, clock } = this.#options;
    const answer = posts.add(channel, message);
    if (this.#isFlushing) return answer;
    this.#isFlushing = true;
    const wait = this.#flushedAt + gatherMs - clock.monotonic();
    if (wait > 0) clock.after(wait, this.#flush);
    else setImmediate(this.#flush);
    return answer;
  }

  /** Cuts the connection at once; what waits is rejected. Idempotent. */
  destroy(): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#options.pacer.stop();
    this.#socket?.terminate();
    this.#fail(new ClientClosedError());
  }

  #connect(): Promise<RespValue> {
    const { host: hostname, port, tls, serverName } = this.#options.target;
    const ready = this.#wait();
    const connecting = Bun.connect({
      hostname,
      port,
      ...(tls ? { tls: serverName === undefined ? true : { serverName } } : {}),
      socket: {
        open: (socket) => {
          this.#socket = socket;
          if (this.#destroyed) socket.terminate();
          else if (!tls) this.#answer(null);
        },
        // Nothing is sent, and no password above all, until the certificate is vouched for.
        handshake: (_, success, error: SocketError) => {
          if (success && !error) this.#answer(null);
          else this.#fault(error ?? new SocketClosedUnexpectedlyError());
        },
        data: (socket, bytes) => this.#read(socket, bytes),
        drain: () => this.#drained(),
        close: (_, error: SocketError) => this.#fault(error ?? new SocketClosedUnexpectedlyError()),
        error: (_, error) => this.#fault(error),
        connectError: (_, error) => this.#fault(error),
      },
    });
    connecting.catch((error: unknown) => this.#fault(error));
    return ready;
  }

  #ask(command: readonly string[]): Promise<RespValue> {
    const answer = this.#wait();
    this.#send(encoded(command));
    return answer;
  }

  #wait(): Promise<RespValue> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    if (this.#destroyed) this.#fail(new ClientClosedError());
    return promise;
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const taken = this.#socket?.write(bytes) ?? 0;
    this.#unsent = bytes.subarray(Math.max(0, taken));
  }

  readonly #flush = (): void => {
    const { posts, clock } = this.#options;
    this.#isFlushing = false;
    if (this.#unsent.length > 0) return;
    const commands = posts.take();
    if (commands === "") return;
    this.#flushedAt = clock.monotonic();
    this.#send(Buffer.from(commands));
  };

  /** Bun says so after each pause, too. */
  #drained(): void {
    if (this.#unsent.length === 0) return;
    this.#send(this.#unsent);
    if (!this.#isFlushing) this.#flush();
  }

  #read(socket: Socket, bytes: Uint8Array): void {
    if (this.#destroyed) return;
    const { pacer } = this.#options;
    pacer.began();
    try {
      this.#reader.feed(bytes);
      pacer.ended(socket);
    } catch (error) {
      this.#fault(error);
    }
  }

  #onValue(value: RespValue): void {
    if (value instanceof RespPush) this.#pushed(value);
    else if (this.#options.posts.answer(value)) return;
    else if (value instanceof ErrorReply) this.#fault(value);
    else if (this.#waiting === null || this.#missing !== null) {
      this.#fault(new RespFault("Redis answered what nobody asked"));
    } else this.#answer(value);
  }

  /** Redis confirms each channel of a SUBSCRIBE by a push, and says so too when it ends a subscription by itself. */
  #pushed({ items: [kind, channel] }: RespPush): void {
    if (kind === "subscribe" && typeof channel === "string") {
      this.#missing?.delete(channel);
      if (this.#missing?.size === 0) this.#answer(null);
    } else if (kind === "unsubscribe" || kind === "message") {
      this.#fault(new RespFault("Redis and the relay differ about what the relay listens on"));
    }
  }

  #answer(value: RespValue): void {
    this.#waiting?.resolve(value);
    this.#waiting = null;
  }

  #fault(error: unknown): void {
    this.#fail(error);
    if (!this.#destroyed) this.#options.onFault(error);
  }

  #fail(error: unknown): void {
    this.#waiting?.reject(error);
    this.#waiting = null;
    this.#options.posts.fail(error);
  }
}

function encoded(command: readonly string[]): Uint8Array {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return Buffer.from(`*${command.length}\r\n${parts.join("")}`);
}
