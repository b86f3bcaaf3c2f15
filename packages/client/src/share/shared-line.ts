import type { Frame } from "../frame.ts";
import type { Line, LineEvents } from "../line.ts";
import type { ChannelLike, PageSignal, Platform, Sharing } from "../platform.ts";
import type { Status } from "../status.ts";
import type { TokenSource } from "../token.ts";
import type { OpenOwn } from "./open-shared.ts";
import type { FollowerMessage, LeaderMessage, LeaderWord, TabMessage } from "./tab-message.ts";

/** How often a visible tab asks the leader whether it lives, and how long that may take, in milliseconds. */
const ASK_MS = 5_000;
const ANSWER_MS = 3_000;

/** How long after a wait a leader that is not late has come back by itself, in milliseconds. */
const NUDGE_MS = 300;

/** With whom a line is shared. */
export interface SharedWith {
  readonly url: URL;
  readonly user: string;
  readonly token: TokenSource;
}

/**
 * A connection that the tabs of a browser have in common. The tab that holds a Web Lock is the leader: it has the
 * connection, and a BroadcastChannel carries frames between it and the others. The lock is free the moment the leader's
 * tab is gone, and the next in the queue goes on from where it stands itself. A leader that the browser has frozen keeps
 * the lock and answers nothing: a visible tab then takes it away.
 */
export class SharedLine implements Line {
  readonly #platform: Platform;
  readonly #sharing: Sharing;
  readonly #events: LineEvents;
  readonly #openOwn: OpenOwn;
  readonly #user: string;
  readonly #name: string;
  readonly #id: string;
  readonly #channel: ChannelLike;
  readonly #unlisten: () => void;
  #token: TokenSource;
  /** The connection, where this tab is the leader. */
  #own: Line | null = null;
  /** How the leader's connection stands, as a tab that joins has to hear it. */
  #state: LeaderWord = { kind: "down", status: { kind: "connecting" } };
  /** When the leader became that, by the wall clock of the machine that all tabs share. */
  #term = 0;
  /** Whether this tab, following, was told of a connection. */
  #isUp = false;
  /** Counts how often the queue for the lock was entered, so that an older place in it has no effect. */
  #turn = 0;
  #leaveQueue: () => void = () => {};
  #cancelAsk: () => void = () => {};
  #cancelNudge: () => void = () => {};
  #isAway = false;
  #isPrivate = false;

  constructor(
    platform: Platform,
    sharing: Sharing,
    shared: SharedWith,
    events: LineEvents,
    openOwn: OpenOwn,
  ) {
    const { url, user, token } = shared;
    this.#platform = platform;
    this.#sharing = sharing;
    this.#events = events;
    this.#openOwn = openOwn;
    this.#user = user;
    this.#token = token;
    this.#name = `tidings:${url.host}${url.pathname}:${user}`;
    this.#id = `${platform.random()}`;
    this.#channel = sharing.channel(this.#name);
    this.#channel.onmessage = ({ data }: { data: TabMessage }) => this.#hear(data);
    this.#unlisten = platform.listen((signal) => this.#onPage(signal));
    this.#join();
  }

  send(frame: Frame): boolean {
    if (this.#own) return this.#own.send(frame);
    if (this.#isUp) this.#post({ kind: "send", term: this.#term, frame });
    return this.#isUp;
  }

  reconnect(token?: TokenSource): void {
    if (token !== undefined) this.#token = token;
    if (this.#own) this.#own.reconnect(token);
    else this.#post({ kind: "reconnect" });
  }

  wake(): void {
    if (this.#own) return this.#own.wake();
    this.#ask("ping");
    this.#post({ kind: "wake" });
  }

  close(): void {
    this.#unlisten();
    this.#leave();
    this.#own?.close();
    this.#own = null;
    this.#channel.onmessage = null;
    this.#channel.close();
  }

  /** Queues for the lock, or takes it, and asks the leader how things stand. */
  #join(steal = false): void {
    this.#leave();
    const turn = this.#turn;
    const queue = new AbortController();
    this.#leaveQueue = () => queue.abort();
    const lead = (): Promise<void> =>
      new Promise((release) => {
        if (turn !== this.#turn) return release();
        this.#leaveQueue = release;
        this.#lead();
      });
    this.#sharing.locks
      .request(this.#name, steal ? { steal } : { signal: queue.signal }, lead)
      .catch((error: unknown) => turn === this.#turn && this.#onLost(error));
    if (!steal) this.#ask("hello");
  }

  /** Gives up the lock, or the place in the queue for it. */
  #leave(): void {
    this.#turn += 1;
    this.#cancelAsk();
    this.#cancelNudge();
    this.#leaveQueue();
  }

  /** Another tab took the lock, since this one was asleep; or there are no locks here after all. */
  #onLost(error: unknown): void {
    if ((error as Error | null)?.name === "AbortError") return this.#follow();
    this.#part();
    this.#lead();
  }

  #lead(): void {
    this.#cancelAsk();
    this.#cancelNudge();
    this.#term = Math.max(this.#term + 1, this.#platform.now());
    this.#own = this.#openOwn(
      {
        since: () => this.#events.since(),
        welcome: (payload, asked, transport) => {
          // The application signed somebody else in: what is theirs is not for the other tabs.
          if (payload.user_id !== this.#user) this.#part();
          this.#tell({ kind: "welcome", payload, asked, transport });
          this.#events.welcome(payload, asked, transport);
        },
        frame: (frame) => {
          this.#say({ kind: "frame", frame });
          this.#events.frame(frame);
        },
        down: (status) => {
          this.#tell({ kind: "down", status });
          this.#events.down(status);
        },
      },
      this.#token,
    );
  }

  #follow(): void {
    this.#drop({ kind: "connecting" });
    this.#join();
  }

  /** Closes the own connection, and is told of none. */
  #drop(status: Status): void {
    this.#own?.close();
    this.#own = null;
    this.#isUp = false;
    this.#events.down(status);
  }

  /** Keeps the connection for this tab alone. */
  #part(): void {
    this.#isPrivate = true;
    this.#leave();
  }

  #hear(message: TabMessage): void {
    if (this.#isPrivate) return;
    if (!isLeaders(message)) return this.#own ? this.#serve(this.#own, message) : undefined;
    if (message.term < this.#term) return;
    if (this.#own && message.term > this.#term) this.#follow();
    this.#term = message.term;
    if (message.to === undefined || message.to === this.#id) this.#take(message);
  }

  /** What a leader does for the other tabs. */
  #serve(own: Line, message: FollowerMessage): void {
    if (message.kind === "reconnect") own.reconnect();
    else if (message.kind === "wake") own.wake();
    else if (message.kind === "ping") this.#say({ kind: "here" }, message.from);
    else if (message.kind === "hello") this.#say(this.#now(), message.from);
    else if (message.term === this.#term) own.send(message.frame);
  }

  /** How things stand for a tab that joins: a welcome that answers no question, from where the leader is. */
  #now(): LeaderWord {
    const state = this.#state;
    if (state.kind !== "welcome") return state;
    const { connection_id, user_id, expires_in_ms, heartbeat, limits, offset } = state.payload;
    const place = offset === undefined ? null : this.#events.since();
    const payload = {
      connection_id,
      user_id,
      expires_in_ms,
      heartbeat,
      limits,
      ...(place && { offset: place }),
    };
    return { ...state, payload, asked: null };
  }

  /** What a tab that follows takes from the leader. */
  #take(message: LeaderWord): void {
    if (message.kind !== "here") this.#cancelNudge();
    if (message.kind === "welcome") {
      this.#isUp = true;
      this.#events.welcome(message.payload, message.asked, message.transport);
    } else if (message.kind === "down") {
      this.#isUp = false;
      this.#nudge(message.status);
      this.#events.down(message.status);
    } else if (message.kind === "frame" && this.#isUp) this.#events.frame(message.frame);
    this.#askLater();
  }

  /** A hidden leader's timers may be a minute late: who waits for it tells it when the wait is over. */
  #nudge(status: Status): void {
    if (status.kind !== "offline" || status.retryAt === null) return;
    const left = status.retryAt - this.#platform.now();
    this.#cancelNudge = this.#platform.after(Math.max(0, left) + NUDGE_MS, () =>
      this.#post({ kind: "wake" }),
    );
  }

  #askLater(): void {
    this.#cancelAsk();
    this.#cancelAsk = this.#platform.after(ASK_MS, () => {
      if (this.#platform.hidden()) this.#askLater();
      else this.#ask("ping");
    });
  }

  /** Asks the leader for a word, and takes the lock from one that gives none. */
  #ask(kind: "hello" | "ping"): void {
    this.#cancelAsk();
    this.#cancelAsk = this.#platform.after(ANSWER_MS, () => {
      if (this.#platform.hidden()) this.#askLater();
      else this.#join(true);
    });
    this.#post({ kind, from: this.#id });
  }

  #onPage(signal: PageSignal): void {
    if (this.#isPrivate) return;
    if (signal === "wake") {
      // The leader's own connection hears of it too.
      if (this.#isAway) this.#join();
      else if (!this.#own) this.wake();
      this.#isAway = false;
      return;
    }
    // A page that is put away must neither have the lock nor be given it.
    this.#isAway = true;
    this.#leave();
    this.#drop({ kind: "offline", reason: "put away", retryAt: null });
  }

  #tell(message: LeaderWord): void {
    this.#state = message;
    this.#say(message);
  }

  #say(word: LeaderWord, to?: string): void {
    this.#post({ ...word, term: this.#term, ...(to !== undefined && { to }) });
  }

  #post(message: TabMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel never leaves its origin
    if (!this.#isPrivate) this.#channel.postMessage(message);
  }
}

function isLeaders(message: TabMessage): message is LeaderMessage {
  return (
    message.kind === "welcome" ||
    message.kind === "frame" ||
    message.kind === "down" ||
    message.kind === "here"
  );
}
