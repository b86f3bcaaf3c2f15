/** What a question to the model held. */
export interface ModelRequest {
  readonly path: string;
  readonly key: string | null;
  readonly body: { readonly model: string; readonly messages: readonly { readonly content: string }[] };
}

/** An OpenAI-compatible model that goes on with its answer until the test ends it: the middle lasts as long as wanted. */
export interface Model extends AsyncDisposable {
  /** What to hand the worker, so that it asks this model. */
  readonly environment: Readonly<Record<string, string>>;
  readonly asked: readonly ModelRequest[];
  /** How many answers were broken off by the worker. */
  readonly hangUps: number;
  /** All of the latest answer so far: numbered words, so that one missing or doubled shows. */
  readonly said: string;
  /** Ends the answers that are under way, well. */
  finish(): void;
}

/** Words in a paragraph. */
const PARAGRAPH = 25;

/** Starts a model that says this many words a second. */
export function startModel(wordsPerSecond: number): Model {
  const asked: ModelRequest[] = [];
  const finishers = new Set<() => void>();
  let said = "";
  let hangUps = 0;

  const answer = (signal: AbortSignal): ReadableStream<string> =>
    new ReadableStream({
      start(controller) {
        said = "";
        let count = 0;
        const timer = setInterval(() => {
          count += 1;
          const content = `word${count}.${count % PARAGRAPH === 0 ? "\n\n" : " "}`;
          said += content;
          controller.enqueue(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
        }, 1_000 / wordsPerSecond);
        const stop = (): void => {
          clearInterval(timer);
          finishers.delete(finish);
        };
        const finish = (): void => {
          stop();
          controller.enqueue("data: [DONE]\n\n");
          controller.close();
        };
        finishers.add(finish);
        signal.addEventListener("abort", () => {
          if (!finishers.has(finish)) return;
          hangUps += 1;
          stop();
        });
      },
    });

  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      asked.push({
        path: new URL(request.url).pathname,
        key: request.headers.get("authorization"),
        body: (await request.json()) as ModelRequest["body"],
      });
      const stream = answer(request.signal).pipeThrough(new TextEncoderStream());
      return new Response(stream, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    environment: {
      OPENAI_BASE_URL: `http://127.0.0.1:${server.port}/v1`,
      OPENAI_MODEL: "counting",
      OPENAI_API_KEY: "k",
    },
    asked,
    get hangUps() {
      return hangUps;
    },
    get said() {
      return said;
    },
    finish() {
      for (const finish of finishers) finish();
    },
    async [Symbol.asyncDispose]() {
      for (const finish of finishers) finish();
      await server.stop(true);
    },
  };
}
