import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pinned } from "../load/child.ts";

/** Percentiles of a time, in milliseconds. */
export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What became of opening connections. */
export interface Opened {
  /** Connections that are open now, earlier ones included. */
  readonly open: number;
  readonly refused: number;
  /** Seconds from the first to the last. */
  readonly seconds: number;
  /** From connect() until the connection could receive. */
  readonly handshake: Times;
}

/** What became of a stream on its way to Redis, or from clients to the relay. */
export interface Published {
  readonly published: number;
  /** Updates that Redis answered, with no error. */
  readonly confirmed: number;
  readonly errors: number;
  readonly firstError: string;
  /** Those that there was no room for: in the generator, or in a client's socket. */
  readonly blocked: number;
  /** How much later than it was due each one left. */
  readonly slip: Times;
}

/** What came since the last mark. */
export interface Received {
  readonly open: number;
  readonly frames: number;
  readonly bytes: number;
  /** Calls of recv() that brought something. */
  readonly reads: number;
  /** Texts that are no update of this run, byte by byte. */
  readonly wrongBytes: number;
  readonly wrongUser: number;
  /** Updates that were doubled, or came after a later one. */
  readonly notRising: number;
  /** Counts that were left out between two updates. */
  readonly gaps: number;
  /** Updates that were published and came to no connection that should have got them; the gaps included. */
  readonly missing: number;
  readonly pings: number;
  readonly closed: number;
  readonly closeCode: number;
  /** From when an update was due until it was read. */
  readonly latency: Times;
}

/** A stream of updates, or of messages from clients. */
export interface StreamPlan {
  /** The updates go to users from this one on, in turn; messages come from as many of the connections. */
  readonly firstUser: number;
  readonly users: number;
  /** How many a second. */
  readonly rate: number;
  readonly seconds: number;
  /** How many fall due at once; 1 unless given. */
  readonly burst?: number;
}

/** One client to be: what it asks for the socket with, and what it says once it has it. */
export interface Guest {
  readonly request: string;
  readonly hello: string;
}

const OPEN_AT_ONCE = 128;

/** The load generator, a process of its own, killed when its block ends (`await using`). */
export class Generator implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;
  readonly #directory: string;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(program: string, core: number | null, directory: string) {
    this.#directory = directory;
    this.#process = Bun.spawn(pinned(core, [program]), { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = linesOf(this.#process.stdout);
  }

  static async start(program: string, core: number | null): Promise<Generator> {
    return new Generator(program, core, await mkdtemp(join(tmpdir(), "tidings-bench-")));
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sets one of the names that `main.c` lists. */
  async set(name: string, value: string): Promise<void> {
    await this.#ask(`set ${name} ${value}`);
  }

  /** Connects to the Redis that is published to. */
  async connect(redisPort: number): Promise<void> {
    await this.#ask(`redis ${redisPort}`);
  }

  /** Reads what workers get on a channel. */
  async subscribe(redisPort: number, channel: string): Promise<void> {
    await this.#ask(`subscribe ${redisPort} ${channel}`);
  }

  /** Opens a connection for each guest, the first for `firstUser`, a hundred or so at a time. */
  async open(port: number, firstUser: number, guests: readonly Guest[]): Promise<Opened> {
    const file = join(this.#directory, "guests");
    await Bun.write(file, guests.map(({ request, hello }) => `${request}\0${hello}\0`).join(""));
    return this.#ask(`open ${port} ${firstUser} ${guests.length} ${OPEN_AT_ONCE} ${file}`);
  }

  /** Publishes updates to Redis; resolves when Redis answered for all. */
  publish(plan: StreamPlan): Promise<Published> {
    return this.#ask(`publish ${wordsOf(plan)}`);
  }

  /** Has clients send messages; resolves when all were written. */
  send(plan: StreamPlan): Promise<Published> {
    return this.#ask(`send ${wordsOf(plan)}`);
  }

  /** Begins a new count, in which every open connection is due what is published from here on. */
  async mark(): Promise<void> {
    await this.#ask("mark");
  }

  count(): Promise<Pick<Received, "open" | "frames">> {
    return this.#ask("count");
  }

  report(): Promise<Received> {
    return this.#ask("report");
  }

  /** Resets every connection. */
  async close(): Promise<void> {
    await this.#ask("close");
  }

  /** One command at a time: what is asked meanwhile waits. */
  #ask<Answer>(command: string): Promise<Answer> {
    const before = this.#last;
    const answer = (async (): Promise<Answer> => {
      await before.catch(() => {});
      void this.#process.stdin.write(`${command}\n`);
      await this.#process.stdin.flush();
      const line = await this.#lines.next();
      if (line.done === true) throw new Error(`the generator ended: ${this.#process.signalCode ?? "exit"}`);
      const value = JSON.parse(line.value) as Answer & { readonly fault?: string };
      if (value.fault !== undefined) throw new Error(`${command.slice(0, 80)}: ${value.fault}`);
      return value;
    })();
    this.#last = answer;
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

function wordsOf({ firstUser, users, rate, seconds, burst = 1 }: StreamPlan): string {
  return `${firstUser} ${users} ${rate} ${seconds} ${burst}`;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  return undefined;
}
