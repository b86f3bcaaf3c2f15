import type { SocketLike } from "../../src/platform.ts";

/** A frame as either side says it. */
export interface SaidFrame {
  readonly type: string;
  readonly payload?: unknown;
  readonly id?: string;
  readonly offset?: string;
}

/** What the scripted relay tells of itself unless a test says otherwise. */
export const usualWelcome = {
  connection_id: "c1",
  user_id: "alice",
  expires_in_ms: null,
  heartbeat: { interval_ms: 25_000, timeout_ms: 10_000 },
  limits: { max_message_bytes: 65_536, messages_per_second: 20, message_burst: 60 },
} as const;

/** One WebSocket of the client, with the relay's end of it in the hands of the test. */
export class FakeSocket implements SocketLike {
  onopen: ((event: never) => unknown) | null = null;
  onmessage: ((event: never) => unknown) | null = null;
  onclose: ((event: never) => unknown) | null = null;
  onerror: ((event: never) => unknown) | null = null;
  readonly url: URL;
  readonly protocols: readonly string[];
  /** What the client sent, without its pings. */
  readonly sent: SaidFrame[] = [];
  /** How many pings it sent. */
  pings = 0;
  /** Whether pings are answered. */
  answersPings = true;
  /** The code with which the client closed it. */
  closedWith: number | null = null;

  constructor(url: string, protocols: readonly string[]) {
    this.url = new URL(url);
    this.protocols = protocols;
  }

  /** From where the client asked to resume. */
  get since(): string | null {
    return this.url.searchParams.get("since");
  }

  send(text: string): void {
    const frame = JSON.parse(text) as SaidFrame;
    if (frame.type !== "tidings.ping") this.sent.push(frame);
    else {
      this.pings += 1;
      if (this.answersPings) this.say({ type: "tidings.pong" });
    }
  }

  close(code = 1005): void {
    this.closedWith ??= code;
  }

  /** The relay says something. */
  say(frame: SaidFrame): void {
    this.sayRaw(JSON.stringify(frame));
  }

  /** The relay says any text, or something that is no text. */
  sayRaw(data: unknown): void {
    this.onmessage?.({ data } as never);
  }

  /** The relay lets the client in. */
  welcome(payload: object = {}): void {
    this.say({ type: "tidings.welcome", payload: { ...usualWelcome, ...payload } });
  }

  /** The relay hands on updates of type `step`, whose payloads are their offsets. */
  updates(...offsets: readonly string[]): void {
    for (const offset of offsets) this.say({ type: "step", payload: offset, offset });
  }

  /** The connection ends, as the network or the relay will have it. */
  drop(code = 1006, reason = ""): void {
    this.onclose?.({ code, reason } as never);
  }

  /** The relay says why before it closes. */
  closing(payload: {
    readonly code: number;
    readonly come_back: string;
    readonly retry_after_ms?: number;
  }): void {
    this.say({ type: "tidings.closing", payload: { reason: "because", ...payload } });
    this.drop(payload.code, "because");
  }
}
