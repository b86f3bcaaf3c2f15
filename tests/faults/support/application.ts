import type { ApplicationLog, ClientEvent, ConnectionLog } from "../judge/evidence.ts";
import type { Random } from "./form.ts";
import { readEvent } from "./read-event.ts";
import type { RelayProcess } from "./relay-process.ts";
import { RememberedPlace } from "./remembered-place.ts";

/** How an {@link Application} behaves. */
export interface ApplicationOptions {
  readonly name: string;
  readonly user: string;
  /** Where it may connect; it goes to the next one when a connection ends. */
  readonly relays: readonly RelayProcess[];
  readonly random: Random;
  /** Off, it comes back without an offset: the control run of everything that rests on offsets. */
  readonly remembers?: boolean;
  /** Has it ask for an older place than it has reached: the control run of the search for duplicates. */
  readonly forgets?: (since: string) => string;
  /** What its first connection resumes from. */
  readonly since?: string;
}

/** How long to wait before coming back where the relay did not say, at most, in milliseconds. */
const BACKOFF_MS = 300;

/** How long a handshake may take, in milliseconds. */
const HANDSHAKE_MS = 8_000;

type OpenConnection = {
  -readonly [Key in keyof ConnectionLog]: ConnectionLog[Key];
} & { events: ClientEvent[] };

/**
 * One user's application: a Tidings client that remembers its offsets, comes back whenever it is cut, obeys what a close says
 * about coming back, and logs all that it sees.
 */
export class Application implements Disposable {
  readonly log: ApplicationLog;
  /** Keys of all updates it received. */
  readonly keys: Set<string> = new Set();
  readonly #options: ApplicationOptions;
  readonly #connections: OpenConnection[] = [];
  readonly #place = new RememberedPlace();
  #socket: WebSocket | null = null;
  #isLetIn = false;
  #turn: number;
  #retryAfterMs: number | null = null;
  #timer: Timer | null = null;
  #isOver = false;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.log = { name: options.name, user: options.user, connections: this.#connections };
    this.#turn = Math.floor(options.random() * options.relays.length);
    this.#connect();
  }

  /** Whether it has been welcomed on the connection that it has. */
  get isLetIn(): boolean {
    return this.#isLetIn;
  }

  /** Where it would resume from. */
  get since(): string | null {
    return this.#place.since;
  }

  /** Cuts the connection without a word; the application comes back at once. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Sends a message as the page would. */
  send(message: unknown): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Ends the application for good. */
  [Symbol.dispose](): void {
    this.#isOver = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const { relays, user, remembers = true, forgets, since: first } = this.#options;
    const relay = relays[this.#turn % relays.length];
    if (relay === undefined) throw new Error("an application needs a relay");
    const place = this.#place.since;
    const known = place !== null && forgets !== undefined ? forgets(place) : place;
    const since = remembers ? (known ?? first ?? null) : null;
    const url = new URL(`${relay.url.replace("http", "ws")}/ws`);
    url.searchParams.set("user_id", user);
    if (since !== null) url.searchParams.set("since", since);
    this.#follow(new WebSocket(url.href, ["tidings.v1"]), relay.name, since);
  }

  #follow(socket: WebSocket, relay: string, since: string | null): void {
    this.#socket = socket;
    let connection: OpenConnection | null = null;
    const giveUp = setTimeout(() => socket.terminate(), HANDSHAKE_MS);
    socket.addEventListener("open", () => {
      clearTimeout(giveUp);
      connection = { relay, openedAt: performance.now(), events: [], frames: 0, closeCode: null };
      this.#connections.push(connection);
    });
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (connection !== null) this.#receive(connection, String(data), since);
    });
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(giveUp);
      if (connection !== null) connection.closeCode = code;
      if (this.#socket === socket) this.#comeBack();
    });
  }

  #receive(connection: OpenConnection, text: string, since: string | null): void {
    connection.frames += 1;
    const event = readEvent(text, performance.now(), since);
    if (event === null) return;
    if (event.kind === "closing") {
      this.#retryAfterMs = event.retryAfterMs;
      return;
    }
    connection.events.push(event);
    if (event.kind === "standing") {
      this.#isLetIn = true;
      this.#place.stands(event.offset);
    } else if (event.kind === "update") {
      this.keys.add(event.key);
      if (event.offset !== null) this.#place.received(event.offset);
    }
  }

  #comeBack(): void {
    this.#isLetIn = false;
    this.#socket = null;
    if (this.#isOver) return;
    const wait = this.#retryAfterMs ?? this.#options.random() * BACKOFF_MS;
    this.#retryAfterMs = null;
    this.#turn += 1;
    this.#timer = setTimeout(() => this.#connect(), wait);
  }
}
