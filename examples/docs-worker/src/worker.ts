import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { AnswerWriter, Pause } from "./answer-writer.ts";
import { chatWriter } from "./chat-writer.ts";
import { startWorker } from "./docs-worker.ts";
import { quotingWriter } from "./quoting-writer.ts";

const pause: Pause = async (ms, signal) => {
  try {
    await after(ms, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
};

/** The writer that the environment asks for, and what to call it. */
function chooseWriter(env: NodeJS.ProcessEnv): { readonly write: AnswerWriter; readonly name: string } {
  const { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: apiKey, OPENAI_MODEL: model } = env;
  if (!baseUrl)
    return { write: quotingWriter(pause), name: "quotations (set OPENAI_BASE_URL for a language model)" };
  if (!URL.canParse(baseUrl)) throw new TypeError("OPENAI_BASE_URL is not an address.");
  if (!model) throw new TypeError("OPENAI_BASE_URL is set: set OPENAI_MODEL too, the model to ask for.");
  const endpoint = apiKey ? { baseUrl, model, apiKey } : { baseUrl, model };
  return { write: chatWriter(endpoint), name: `${model} at ${new URL(baseUrl).host}` };
}

let isLeaving = false;
const log = (line: string): void => {
  // Who leaves need not tell that the relay beside it left first.
  if (!isLeaving) console.error(`docs-worker: ${line}`);
};

try {
  const { write, name } = chooseWriter(process.env);
  const worker = await startWorker({
    redisUrl: process.env["REDIS_URL"] ?? "redis://127.0.0.1:6390",
    documentation: fileURLToPath(new URL("../../../", import.meta.url)),
    write,
    limits: { perUser: 2, inAll: 16 },
    pause,
    log,
  });
  log(`ready, answering with ${name}`);

  const leave = async (): Promise<void> => {
    isLeaving = true;
    await worker[Symbol.asyncDispose]();
    process.exit(0);
  };
  process.once("SIGTERM", () => void leave());
  process.once("SIGINT", () => void leave());
  // The parent that started this one with a channel (npm start) died without a word.
  process.once("disconnect", () => void leave());
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
