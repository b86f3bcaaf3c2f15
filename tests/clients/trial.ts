import { EmbeddedBroker } from "../../packages/server/src/broker/embedded/embedded-broker.ts";
import { type RespServer, startRespServer } from "../../packages/server/src/broker/embedded/resp-server.ts";
import type { LogBounds } from "../../packages/server/src/broker/update-log.ts";
import { systemClock } from "../../packages/server/src/clock.ts";

/**
 * How long anything awaited in a trial may take, in milliseconds; clients wait a while before they reconnect.
 */
const PATIENCE_MS = 30_000;

const HISTORY: LogBounds = {
  updates: 1_000,
  bytes: 4 * 1_048_576,
  ttlMs: 3_600_000,
  maxUpdateBytes: 1_048_576,
};

/** A running embedded broker with its port, which can be restarted on the same port. */
export interface BrokerPort extends AsyncDisposable {
  readonly broker: EmbeddedBroker;
  readonly port: number;
  /** Messages that the relay's own subscription to `updates` got, as text. */
  readonly updates: readonly string[];
  /** Closes every connection and the port, and opens the port again. */
  restart(): void;
}

/** Starts an embedded broker on a free loopback port. */
export function startBrokerPort(): BrokerPort {
  const updates: string[] = [];
  const onUpdate = (message: Uint8Array): void => {
    updates.push(new TextDecoder().decode(message));
  };
  const subscriptions = new Map([["updates", onUpdate]]);
  const broker = new EmbeddedBroker({ subscriptions, clock: systemClock, history: HISTORY });
  broker.start();
  const listen = (port: number): RespServer =>
    startRespServer({ port, channels: broker.channels, store: broker.store, clock: systemClock });
  let server = listen(0);
  return {
    broker,
    port: server.port,
    updates,
    restart() {
      server.stop();
      server = listen(server.port);
    },
    async [Symbol.asyncDispose]() {
      server.stop();
      await broker.close();
    },
  };
}

/** What a program did in its trial. */
export interface TrialOutcome {
  /** The lines it printed, without the messages. */
  readonly answers: readonly string[];
  /** The messages it got, in its order. */
  readonly messages: readonly string[];
  readonly exitCode: number;
}

/**
 * Runs one program against an embedded broker. The program is given port, channel and protocol version. It
 * 1. pings, and prints `ping <answer>`;
 * 2. subscribes to the channel, and prints `message <text>` for each message;
 * 3. publishes `one` there, and prints `published <count>`;
 * 4. publishes `two` and `three` in one transaction, and prints `pipeline <count> <count>`;
 * 5. stores an update for `ann` with `FCALL tidings_publish`, and prints `stored <position>`;
 * 6. stores a malformed one, and prints `refused <error>`;
 * 7. after the server was restarted under it, gets `restarted` and publishes `back`;
 * 8. ends with status 0 when it gets `stop`.
 */
export async function runTrial(program: readonly string[], protocol: 2 | 3): Promise<TrialOutcome> {
  await using it = startBrokerPort();
  const channel = "trial";
  const child = Bun.spawn([...program, String(it.port), channel, String(protocol)], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    const output = new Lines(child.stdout);
    const errors = new Lines(child.stderr);
    const failed = (): string | null =>
      child.exitCode === null ? null : `it ended with ${child.exitCode}:\n${errors.all.join("\n")}`;
    const isReady = (): boolean =>
      output.all.some((line) => line.startsWith("refused ")) && output.has("message three");
    await until("the messages and the refusal", isReady, failed);
    it.restart();
    await until(
      "the new subscription",
      () => it.broker.channels.subscriberCount(bytes(channel)) === 1,
      failed,
    );
    await it.broker.publish([{ channel, data: "restarted" }]);
    await until("the publish after the restart", () => output.has("message back"), failed);
    await it.broker.publish([{ channel, data: "stop" }]);
    await until("the end of the program", () => child.exitCode !== null);
    return {
      answers: output.all.filter((line) => !line.startsWith("message ")),
      messages: output.all.filter((line) => line.startsWith("message ")).map((line) => line.slice(8)),
      exitCode: await child.exited,
    };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** The lines that a stream has given so far. */
export class Lines {
  readonly all: string[] = [];
  #rest = "";

  constructor(stream: ReadableStream<Uint8Array>) {
    void this.#read(stream);
  }

  has(line: string): boolean {
    return this.all.includes(line);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const parts = (this.#rest + decoder.decode(chunk, { stream: true })).split("\n");
      this.#rest = parts.pop() ?? "";
      this.all.push(...parts.map((part) => part.replace(/\r$/, "")));
    }
  }
}

/** Polls until the condition holds; `failure` names what makes waiting pointless. */
export async function until(
  what: string,
  condition: () => boolean,
  failure: () => string | null = () => null,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!condition()) {
    const why = failure();
    if (why !== null) throw new Error(`waited for ${what}, but ${why}`);
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain for ${what}`);
    await Bun.sleep(5);
  }
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
