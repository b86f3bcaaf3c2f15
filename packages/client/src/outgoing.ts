import { onAbort } from "./abort.ts";
import { TidingsError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Platform } from "./platform.ts";

/** How {@link Tidings.send} behaves. */
export interface SendOptions {
  /** How long the message may wait for a connection and its answer together, in milliseconds: 10,000 unless given. */
  readonly timeout?: number;
  /** Gives up waiting. A message that was sent already stays sent. */
  readonly signal?: AbortSignal;
}

interface Message {
  readonly frame: Frame;
  isSent: boolean;
  readonly settle: (error?: unknown) => void;
}

/** How long a message waits unless said otherwise, in milliseconds. */
const PATIENCE_MS = 10_000;

/** How many messages may wait at once. */
const MOST_WAITING = 1_000;

/** The messages that wait to be sent, or for their answers. */
export class Outgoing {
  readonly #platform: Platform;
  readonly #trySend: (frame: Frame) => boolean;
  readonly #messages = new Map<string, Message>();
  /** Tabs that share a connection must not share ids. */
  readonly #prefix: string;
  #count = 0;
  #final: TidingsError | null = null;

  constructor(platform: Platform, trySend: (frame: Frame) => boolean) {
    this.#platform = platform;
    this.#trySend = trySend;
    this.#prefix = platform.random().toString(36).slice(2, 10);
  }

  /** An id that no other frame of this browser has. */
  nextId(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }

  /** Sends a message as soon as that is possible, and resolves when the relay has taken it. */
  send(type: string, payload: unknown, { timeout = PATIENCE_MS, signal }: SendOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.#final) throw this.#final;
      if (this.#messages.size >= MOST_WAITING) throw new TidingsError("too_many");
      const id = this.nextId();
      const cancel = this.#platform.after(timeout, () =>
        message.settle(message.isSent ? unconfirmed() : new TidingsError("timeout", "not connected")),
      );
      const message: Message = {
        frame: { type, payload, id },
        isSent: false,
        settle: (error) => {
          this.#messages.delete(id);
          cancel();
          forget();
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const forget = onAbort(signal, () => message.settle(signal?.reason));
      this.#messages.set(id, message);
      this.flush();
    });
  }

  /** Sends what waits, in order, as far as that is possible. */
  flush(): void {
    for (const message of this.#messages.values()) message.isSent ||= this.#trySend(message.frame);
  }

  /** Takes the relay's answer to a frame, which may be none of ours. */
  answer(id: string | undefined, error?: unknown): void {
    this.#messages.get(id ?? "")?.settle(error);
  }

  /**
   * The connection is gone: whether the relay took what was sent, nobody can tell any more. With `final`, none will come
   * unless the application brings it about, so that no message waits for it.
   */
  lost(final: TidingsError | null): void {
    this.#final = final;
    for (const { isSent, settle } of this.#messages.values()) {
      if (isSent || final) settle(isSent ? unconfirmed() : final);
    }
  }
}

function unconfirmed(): TidingsError {
  return new TidingsError("unconfirmed");
}
