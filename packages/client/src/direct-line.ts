import { Attempt } from "./attempt.ts";
import { type Verdict, waitFor } from "./come-back.ts";
import type { Frame } from "./frame.ts";
import type { Line, LineEvents, LineOptions } from "./line.ts";
import type { PageSignal, Platform } from "./platform.ts";
import type { TokenSource } from "./token.ts";

/** How long a connection must stand before its failures count as past, in milliseconds. */
const STABLE_MS = 5_000;

/** How often the clock is looked at, in milliseconds. */
const TICK_MS = 10_000;

/** How late a look may be before the machine has slept; a hidden page's timers fire once a minute at worst. */
const LATE_MS = 10_000;
const LATE_HIDDEN_MS = 100_000;

/** How many attempts without a sound from the relay make it likely that WebSockets cannot pass. */
const SILENT_ATTEMPTS = 2;

/** How long it is remembered that they cannot, in milliseconds. */
const REMEMBER_MS = 600_000;

/** Holds one connection of this tab, and comes back for as long as it is not closed. */
export class DirectLine implements Line {
  readonly #platform: Platform;
  readonly #options: LineOptions;
  readonly #events: LineEvents;
  readonly #memory: string;
  readonly #unlisten: () => void;
  #token: TokenSource;
  #attempt: Attempt | null = null;
  #isRefused = false;
  /** Failures in a row. */
  #failures = 0;
  /** Attempts in a row in which the relay was not heard. */
  #silent = 0;
  /** Until when the relay asked to stay away. */
  #stayUntil = 0;
  #cancelRetry: () => void = () => {};
  #cancelStable: () => void = () => {};
  #cancelTick: () => void = () => {};

  constructor(platform: Platform, options: LineOptions, events: LineEvents) {
    this.#platform = platform;
    this.#options = options;
    this.#events = events;
    this.#token = options.token;
    this.#memory = `tidings:sse:${options.url.host}`;
    this.#unlisten = platform.listen((signal) => this.#onPage(signal));
    this.#tick();
    this.#dial();
  }

  send(frame: Frame): boolean {
    return this.#attempt?.send(frame) ?? false;
  }

  reconnect(token?: TokenSource): void {
    if (token !== undefined) this.#token = token;
    this.#failures = 0;
    this.#dial();
  }

  /** What the relay asked for still holds. */
  wake(): void {
    if (this.#isRefused) return;
    if (this.#attempt) return this.#attempt.probe();
    const left = this.#stayUntil - this.#platform.now();
    if (left > 0) this.#dialAfter(left);
    else this.#dial();
  }

  close(): void {
    this.#hangUp();
    this.#unlisten();
    this.#cancelTick();
  }

  #hangUp(): void {
    this.#cancelRetry();
    this.#cancelStable();
    this.#attempt?.close();
    this.#attempt = null;
  }

  #dialAfter(ms: number): void {
    this.#cancelRetry();
    this.#cancelRetry = this.#platform.after(ms, () => this.#dial());
  }

  #dial(): void {
    this.#hangUp();
    this.#isRefused = false;
    this.#stayUntil = 0;
    this.#events.down({ kind: "connecting" });
    this.#attempt = new Attempt(
      this.#platform,
      {
        url: this.#options.url,
        token: this.#token,
        since: this.#events.since(),
        stream: this.#isStreamDue(),
      },
      {
        welcome: (payload, since, transport) => {
          this.#silent = 0;
          this.#cancelStable = this.#platform.after(STABLE_MS, () => (this.#failures = 0));
          const isStream = transport === "sse";
          if (isStream !== this.#isRemembered()) {
            this.#platform.remember(this.#memory, isStream ? `${this.#platform.now() + REMEMBER_MS}` : "");
          }
          this.#events.welcome(payload, since, transport);
        },
        frame: (frame) => this.#events.frame(frame),
        ended: (verdict, heard) => {
          this.#silent = heard ? 0 : this.#silent + 1;
          this.#ended(verdict);
        },
      },
    );
  }

  #ended(verdict: Verdict): void {
    this.#hangUp();
    const { code, reason, comeBack } = verdict;
    if (comeBack === "never") {
      this.#isRefused = true;
      return this.#events.down({ kind: "refused", code, reason });
    }
    const wait = waitFor(verdict, this.#failures, this.#platform.random());
    this.#failures += 1;
    const retryAt = this.#platform.now() + wait;
    if (verdict.retryAfter !== undefined) this.#stayUntil = retryAt;
    this.#dialAfter(wait);
    this.#events.down({ kind: "offline", reason, retryAt });
  }

  #isRemembered(): boolean {
    return Number(this.#platform.recall(this.#memory)) > this.#platform.now();
  }

  /** Where WebSockets seem not to pass, both ways are tried in turn: it may be the relay that is away. */
  #isStreamDue(): boolean {
    return (this.#silent >= SILENT_ATTEMPTS || this.#isRemembered()) && this.#silent % 2 === 0;
  }

  #onPage(signal: PageSignal): void {
    if (signal === "wake") return this.wake();
    if (this.#isRefused) return;
    // A page with an open connection is not kept in the back/forward cache, or loses it unnoticed.
    this.#hangUp();
    this.#events.down({ kind: "offline", reason: "put away", retryAt: null });
  }

  /** Timers stand still while a machine sleeps: a look that comes far too late tells that it did. */
  #tick(): void {
    const due = this.#platform.now() + TICK_MS;
    this.#cancelTick = this.#platform.after(TICK_MS, () => {
      const late = this.#platform.now() - due;
      this.#tick();
      if (late > (this.#platform.hidden() ? LATE_HIDDEN_MS : LATE_MS)) this.wake();
    });
  }
}
