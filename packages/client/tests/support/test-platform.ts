import type { PageSignal, Platform, Sharing } from "../../src/platform.ts";
import { FakeSocket } from "./fake-socket.ts";
import { FakeStream } from "./fake-stream.ts";

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

/** Surroundings in which time, chance, network and page are in the hands of the test. */
export class TestPlatform implements Platform {
  readonly base = "https://app.example.com/chat";
  readonly sockets: FakeSocket[] = [];
  readonly streams: FakeStream[] = [];
  /** What the application's own code threw. */
  readonly reported: unknown[] = [];
  readonly memory: Map<string, string>;
  /** What `random` gives. */
  chance = 0.5;
  isHidden = false;
  /** Where set, WebSockets cannot even begin. */
  socketFault: Error | null = null;
  sharing: Sharing | null = null;
  readonly #timers = new Set<Timer>();
  readonly #pages = new Set<(signal: PageSignal) => void>();
  #time = 1_795_305_600_000;

  constructor(memory: Map<string, string> = new Map()) {
    this.memory = memory;
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#timers.size;
  }

  /** How many parts listen to the page. */
  get listening(): number {
    return this.#pages.size;
  }

  now(): number {
    return this.#time;
  }

  random(): number {
    return this.chance;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { due: this.#time + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  socket(url: string, protocols: string[]): FakeSocket {
    if (this.socketFault) throw this.socketFault;
    const socket = new FakeSocket(url, protocols);
    this.sockets.push(socket);
    return socket;
  }

  fetch(url: string, init: RequestInit): Promise<Response> {
    const stream = new FakeStream(url, init);
    this.streams.push(stream);
    return stream.response;
  }

  listen(run: (signal: PageSignal) => void): () => void {
    this.#pages.add(run);
    return () => this.#pages.delete(run);
  }

  hidden(): boolean {
    return this.isHidden;
  }

  report(error: unknown): void {
    this.reported.push(error);
  }

  remember(key: string, value: string): void {
    if (value === "") this.memory.delete(key);
    else this.memory.set(key, value);
  }

  recall(key: string): string | null {
    return this.memory.get(key) ?? null;
  }

  /** Something happens to the page. */
  page(signal: PageSignal): void {
    for (const run of Array.from(this.#pages)) run(signal);
  }

  /** The socket opened last, once it is asked for. */
  async socketNumber(count: number): Promise<FakeSocket> {
    await until(`socket ${count} is opened`, () => this.sockets.length >= count);
    return this.sockets[count - 1] as FakeSocket;
  }

  /** The stream asked for last, once it is. */
  async streamNumber(count: number): Promise<FakeStream> {
    await until(`stream ${count} is asked for`, () => this.streams.length >= count);
    return this.streams[count - 1] as FakeStream;
  }

  /** Lets time pass, and what is due happen in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settle();
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.#time = Math.max(this.#time, next.due);
      this.#timers.delete(next);
      next.run();
      await settle();
    }
    this.#time = end;
  }

  /** The machine sleeps: time passes, and what came due meanwhile happens afterwards. */
  async sleep(ms: number): Promise<void> {
    this.#time += ms;
    for (const timer of [...this.#timers].filter(({ due }) => due <= this.#time)) {
      if (this.#timers.delete(timer)) timer.run();
    }
    await settle();
  }

  /** Lets time pass without anything happening, as for a tab that is frozen. */
  skip(ms: number): void {
    this.#time += ms;
  }

  #next(end: number): Timer | null {
    let earliest: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.due <= end && timer.due < (earliest?.due ?? Infinity)) earliest = timer;
    }
    return earliest;
  }
}

/** Lets promises that wait for nothing but each other come to their end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
}

/** How many turns of the event loop something may take before a test gives up. */
const PATIENCE = 2_000;

/** Resolves once `condition` holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < PATIENCE && !condition(); turn += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 0);
    });
  }
  if (!condition()) throw new Error(`it did not come to pass: ${what}`);
}
