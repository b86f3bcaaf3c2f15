import type { ErrorPayload, ResumedPayload, WelcomePayload } from "@tidings/protocol";
import { TidingsError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { type Gap, type GapPayload, gapOf } from "./gap.ts";
import type { Line, LineEvents } from "./line.ts";
import { Outgoing, type SendOptions } from "./outgoing.ts";
import type { Platform } from "./platform.ts";
import { Positions } from "./position.ts";
import type { Status, Transport } from "./status.ts";

/** What a session tells. */
export interface SessionEvents {
  status(status: Status): void;
  gap(gap: Gap): void;
  /** An update that was not told before, in order. */
  update(frame: Frame): void;
}

/** What one tab knows over all its connections: where it stands in the logs, what it is sending, and its status. */
export class Session implements LineEvents {
  /** Its line, which may come a moment later than the session; null again once it is closed. */
  line: Line | null = null;
  isClosed = false;
  readonly #events: SessionEvents;
  readonly #positions = new Positions();
  readonly #outgoing: Outgoing;
  #status: Status = { kind: "connecting" };
  /** The status when nothing is missing, or null without a connection. */
  #live: (Status & { readonly kind: "live" }) | null = null;
  /** From where to begin, in the application's own words, until a relay has judged them. */
  #begin: string | null;
  #wasWelcomed = false;
  /** The relay's limit on a message, in bytes of UTF-8. */
  #mostBytes = 0;
  /** How many missed updates are still to come. */
  #remaining = 0;
  /** The id of a question for what this tab has missed, while it waits for its answer. */
  #resumeId: string | null = null;

  constructor(platform: Platform, since: string | null = null, events: SessionEvents) {
    this.#events = events;
    this.#outgoing = new Outgoing(platform, (frame) => this.#send(frame));
    this.#begin = since;
    this.#positions.set(since);
  }

  get status(): Status {
    return this.#status;
  }

  /** Where this tab stands, as far as a relay named it. */
  get offset(): string | null {
    return this.#positions.since;
  }

  since(): string | null {
    return this.#begin ?? this.#positions.since;
  }

  send(type: string, payload: unknown, options: SendOptions): Promise<void> {
    return this.#outgoing.send(type, payload, options);
  }

  /** Ends it, with a last word about the status. */
  close(): void {
    this.line?.close();
    this.line = null;
    this.down({ kind: "offline", reason: "closed", retryAt: null });
    this.isClosed = true;
    this.#outgoing.lost(new TidingsError("closed"));
  }

  down(status: Status): void {
    if (this.isClosed) return;
    this.#live = null;
    this.#resumeId = null;
    this.#remaining = 0;
    this.#outgoing.lost(status.kind === "refused" ? new TidingsError("refused", status.reason) : null);
    this.#setStatus(status);
  }

  welcome(payload: WelcomePayload, asked: string | null, transport: Transport): void {
    const { connection_id: connectionId, user_id: userId, offset, limits } = payload;
    const since = this.since();
    this.#live = { kind: "live", userId, connectionId, transport };
    this.#mostBytes = limits.max_message_bytes;
    // Without history nobody knows what came between two connections.
    if (!offset && !payload.reason && this.#wasWelcomed) this.#gap({ reason: "history_off", after: since });
    this.#wasWelcomed = true;
    // On a shared line the question may have been another tab's.
    if (offset && since && since !== asked && since !== offset) this.#resume();
    else this.#place(payload, since);
    this.#outgoing.flush();
  }

  frame(frame: Frame): void {
    const { type, id, payload } = frame;
    if (type === "tidings.ack") this.#outgoing.answer(id);
    else if (type === "tidings.gap") {
      const { next } = payload as GapPayload;
      if (this.#positions.judge(next) === "seen") return;
      this.#positions.set(next, -1);
      this.#gap(payload as GapPayload);
    } else if (type === "tidings.resumed" || type === "tidings.error") {
      const { code, message } = payload as ErrorPayload;
      if (!id || id !== this.#resumeId) this.#outgoing.answer(id, new TidingsError(code, message));
      else {
        this.#resumeId = null;
        this.#place(code ? { reason: "history_off", message } : (payload as ResumedPayload), this.since());
      }
    } else if (!type.startsWith("tidings.")) this.#update(frame);
  }

  #update(frame: Frame): void {
    const { offset } = frame;
    const verdict = this.#positions.judge(offset);
    // What follows a hole comes once more, after what the hole swallowed; so does all, where the question is for all.
    if (verdict === "hole" || (this.#resumeId && !this.offset)) return this.#resume();
    if (verdict === "next") {
      this.#positions.set(offset);
      this.#events.update(frame);
    }
    if (offset && this.#remaining > 0) {
      this.#remaining -= 1;
      this.#setStatus();
    }
  }

  /** Asks for what follows the own position, on the open connection. */
  #resume(): void {
    if (this.#resumeId) return;
    this.#resumeId = this.#outgoing.nextId();
    this.#send({ type: "tidings.resume", id: this.#resumeId, payload: { since: this.since() } });
    this.#setStatus();
  }

  /** Takes from where the relay goes on, and how much follows before what is new. It tells gaps by itself, but for two. */
  #place({ reason, message, following, offset }: Partial<ResumedPayload>, after: string | null): void {
    this.#begin = null;
    this.#positions.set(offset);
    this.#remaining = following ?? 0;
    if (reason === "malformed" || reason === "history_off") {
      this.#gap({ reason, after, ...(message && { message }) });
    }
    this.#setStatus();
  }

  #gap(payload: GapPayload): void {
    this.#events.gap(gapOf(payload));
  }

  #send(frame: Frame): boolean {
    const live = this.#live;
    if (!live || !this.line) return false;
    const bytes = new TextEncoder().encode(JSON.stringify(frame)).length;
    const error =
      live.transport === "sse"
        ? new TidingsError("receive_only", "a stream has no way up")
        : bytes > this.#mostBytes
          ? new TidingsError("too_big", `${bytes} bytes of at most ${this.#mostBytes}`)
          : null;
    if (error) this.#outgoing.answer(frame.id, error);
    return !error && this.line.send(frame);
  }

  /** Sets the status, that of the connection unless another is given, and tells it where it changed. */
  #setStatus(status: Status | null = this.#live): void {
    const isBehind = this.#remaining > 0 || this.#resumeId !== null;
    const next: Status | null =
      isBehind && status?.kind === "live"
        ? { kind: "behind", remaining: this.#remaining, transport: status.transport }
        : status;
    if (!next || next === this.#status) return;
    this.#status = next;
    this.#events.status(next);
  }
}
