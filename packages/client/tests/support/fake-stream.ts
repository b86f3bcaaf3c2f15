import { type SaidFrame, usualWelcome } from "./fake-socket.ts";

/** One request for server-sent events, with the relay's end of it in the hands of the test. */
export class FakeStream {
  readonly url: URL;
  readonly headers: Headers;
  readonly response: Promise<Response>;
  /** Whether the client has gone. */
  isAborted = false;
  readonly #answer: (response: Response) => void;
  readonly #fail: (error: Error) => void;
  readonly #body: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;

  constructor(url: string, init: RequestInit) {
    this.url = new URL(url);
    this.headers = new Headers(init.headers);
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#answer = resolve;
    this.#fail = reject;
    this.#body = new ReadableStream({ start: (controller) => void (this.#controller = controller) });
    init.signal?.addEventListener("abort", () => {
      this.isAborted = true;
      reject(new Error("aborted"));
      if (this.#controller) this.#controller.error(new Error("aborted"));
    });
  }

  /** The relay begins the stream. */
  accept(): void {
    this.#answer(new Response(this.#body, { headers: { "content-type": "text/event-stream" } }));
  }

  /** The relay lets the client in. */
  welcome(payload: object = {}): void {
    this.accept();
    this.say({ type: "tidings.welcome", payload: { ...usualWelcome, ...payload } });
  }

  /** Something refuses the request. */
  refuse(status: number, headers: Record<string, string> = {}): void {
    this.#answer(new Response("{}", { status, headers }));
  }

  /** The network refuses it. */
  fail(): void {
    this.#fail(new TypeError("fetch failed"));
  }

  /** The relay says something. */
  say(frame: SaidFrame): void {
    this.sayRaw(`id: x\ndata: ${JSON.stringify(frame)}\n\n`);
  }

  /** Any bytes of the stream. */
  sayRaw(text: string): void {
    this.#controller?.enqueue(new TextEncoder().encode(text));
  }

  /** The stream ends. */
  end(): void {
    this.#controller?.close();
    this.#controller = null;
  }
}
