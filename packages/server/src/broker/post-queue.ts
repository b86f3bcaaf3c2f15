import { ErrorReply } from "@redis/client";
import type { CancelTimer, Clock } from "../clock.ts";
import { BrokerUnavailable } from "./broker.ts";
import type { RespValue } from "./resp-value.ts";

/** What a queue works with. */
export interface PostQueueOptions {
  /** How long Redis may take for an answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Most bytes of messages that may have no answer, be it late or not; a message beyond them is refused. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

/** So many posts that were answered are let go of together. */
const LET_GO = 1_024;

interface Post extends PromiseWithResolvers<void> {
  readonly bytes: number;
  readonly deadline: number;
}

/**
 * Messages that are published in great numbers: the commands of all that came since the last sending, and who waits for
 * which answer, since Redis answers in the order in which it was asked. One timer watches over all.
 */
export class PostQueue {
  readonly #options: PostQueueOptions;
  readonly #heads = new Map<string, string>();
  #commands = "";
  #posts: Post[] = [];
  /** How many of the posts were answered, and are still there. */
  #answered = 0;
  /** How many of the posts, the answered among them, wait no more or waited too long. */
  #passed = 0;
  #bytes = 0;
  #cancelDeadline: CancelTimer | null = null;

  constructor(options: PostQueueOptions) {
    this.#options = options;
  }

  /**
   * Adds a message. Rejects with Redis' `ErrorReply`, or with `BrokerUnavailable` where no answer comes in time, and at once
   * where too much waits for one.
   */
  add(channel: string, message: string): Promise<void> {
    const { timeoutMs, maxBytes, clock } = this.#options;
    const bytes = Buffer.byteLength(message);
    if (this.#bytes > 0 && this.#bytes + bytes > maxBytes) {
      return Promise.reject(new BrokerUnavailable("too many messages wait for Redis to answer", true));
    }
    this.#bytes += bytes;
    this.#commands += `${this.#headOf(channel)}${bytes}\r\n${message}\r\n`;
    const post = { ...Promise.withResolvers<void>(), bytes, deadline: clock.monotonic() + timeoutMs };
    this.#posts.push(post);
    if (this.#cancelDeadline === null) this.#watch(timeoutMs);
    return post.promise;
  }

  /** The commands that have not been taken yet. */
  take(): string {
    const commands = this.#commands;
    this.#commands = "";
    return commands;
  }

  /** Takes the next answer; false where nobody waits for one. */
  answer(value: RespValue): boolean {
    const post = this.#posts[this.#answered];
    if (post === undefined) return false;
    this.#bytes -= post.bytes;
    this.#answered += 1;
    this.#passed = Math.max(this.#passed, this.#answered);
    if (this.#answered === this.#posts.length || this.#answered === LET_GO) {
      this.#posts = this.#posts.slice(this.#answered);
      this.#passed -= this.#answered;
      this.#answered = 0;
    }
    if (value instanceof ErrorReply) post.reject(value);
    else post.resolve();
    return true;
  }

  /** Rejects all that wait: no answer will come. */
  fail(error: unknown): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = null;
    const posts = this.#posts.slice(this.#answered);
    this.#posts = [];
    this.#answered = 0;
    this.#passed = 0;
    this.#bytes = 0;
    this.#commands = "";
    for (const post of posts) post.reject(error);
  }

  /** The beginning of the command, up to the length of the message. */
  #headOf(channel: string): string {
    let head = this.#heads.get(channel);
    if (head === undefined) {
      head = `*3\r\n$7\r\nPUBLISH\r\n$${Buffer.byteLength(channel)}\r\n${channel}\r\n$`;
      this.#heads.set(channel, head);
    }
    return head;
  }

  #watch(delayMs: number): void {
    this.#cancelDeadline = this.#options.clock.after(delayMs, () => this.#giveUp());
  }

  /** Rejects those that waited too long. They stay in their places, since their answers may still come. */
  #giveUp(): void {
    this.#cancelDeadline = null;
    const { clock, timeoutMs } = this.#options;
    const now = clock.monotonic();
    for (; this.#passed < this.#posts.length; this.#passed += 1) {
      const { deadline, reject } = this.#posts[this.#passed] as Post;
      if (deadline > now) return this.#watch(deadline - now);
      reject(new BrokerUnavailable(`Redis did not answer a publish within ${timeoutMs} ms`));
    }
  }
}
