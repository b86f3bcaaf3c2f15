import { setTimeout as after } from "node:timers/promises";
import { createClient } from "@redis/client";
import type { AnswerWriter, Pause } from "./answer-writer.ts";
import { readInbound } from "./inbound.ts";
import { RunDesk, type RunLimits } from "./run-desk.ts";

/** How to run the worker. */
export interface WorkerOptions {
  readonly redisUrl: string;
  /** Folder that holds README.md, ARCHITECTURE.md and docs/. */
  readonly documentation: string;
  readonly write: AnswerWriter;
  readonly limits: RunLimits;
  readonly pause: Pause;
  readonly log: (line: string) => void;
}

/** A worker at work. */
export interface DocsWorker {
  /** Stops open runs, tells their users, and leaves Redis. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Redis channel on which the relay publishes what users send. */
const inboundChannel = "inbound";

/** Redis channel on which everything goes that a user shall see. */
const updatesChannel = "updates";

/**
 * Starts to answer questions; resolves when it listens, which may take until Redis can be reached.
 * A lost Redis is waited for: open runs stand still meanwhile and go on afterwards.
 */
export async function startWorker(options: WorkerOptions): Promise<DocsWorker> {
  const { log, limits, pause, write, documentation } = options;
  const publisher = connection(options.redisUrl, log);
  const subscriber = connection(options.redisUrl, () => {});

  const desk = new RunDesk({
    limits,
    log,
    tools: { documentation, write, pause },
    // This is all it takes to reach a user's screen: one PUBLISH.
    tellUser: (userId) => async (type, payload) => {
      await publisher.publish(updatesChannel, JSON.stringify({ target_user_id: userId, type, payload }));
    },
  });

  await Promise.all([publisher.connect(), subscriber.connect()]);
  await subscriber.subscribe(inboundChannel, (text) => {
    const message = readInbound(text);
    if (message.kind === "ask") desk.take(message);
    if (message.kind === "cancel") desk.cancel(message);
    if (message.kind === "bad-ask") {
      void desk.fail(message.userId, message.run, { code: "bad_question", message: message.message });
    }
    if (message.kind === "not-for-us") log(`passed over a message: ${message.reason}`);
  });

  return {
    async [Symbol.asyncDispose]() {
      await Promise.race([desk.close(), after(2_000, undefined, { ref: false })]);
      subscriber.destroy();
      publisher.destroy();
    },
  };
}

function connection(url: string, log: (line: string) => void): ReturnType<typeof createClient> {
  const client = createClient({
    url,
    // Without these two, a Redis that hangs with its socket open would never be noticed.
    pingInterval: 3_000,
    socket: {
      socketTimeout: 10_000,
      connectTimeout: 5_000,
      reconnectStrategy: (retries) =>
        Math.min(2_000, 50 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2),
    },
  });
  let isDown = false;
  client.on("error", (error: Error) => {
    if (!isDown) log(`no connection to Redis, trying again: ${error.message || error.name}`);
    isDown = true;
  });
  client.on("ready", () => {
    if (isDown) log("connected to Redis again");
    isDown = false;
  });
  return client as ReturnType<typeof createClient>;
}
