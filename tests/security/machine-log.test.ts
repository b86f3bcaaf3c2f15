import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, constants, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { eventually } from "../support/eventually.ts";
import { root, untilReady } from "../support/process.ts";
import { freePort, startRedis } from "../support/redis-server.ts";
import { TestClient } from "../support/test-client.ts";

setDefaultTimeout(60_000);

/** Connections that log more than a pipe and the relay's own buffer hold, with two lines each. */
const FLOOD = 1_500;

test("fault.log.pipe-blocked: delivery goes on while nobody reads the log, and lost lines are counted", async () => {
  await using pipe = await openPipe();
  await loggingInto(pipe.descriptor, async (relay) => {
    await relay.floodTheLog();
    await eventually("lines are dropped", async () => (await relay.dropped()) > 0);
    await relay.deliver("still");
    expect(await relay.leave()).toBe(0);
  });
});

test("fault.log.reader-gone: delivery goes on when the reader of the log is gone", async () => {
  const pipe = await openPipe();
  await loggingInto(pipe.descriptor, async (relay) => {
    await pipe[Symbol.asyncDispose]();
    await relay.floodTheLog(100);
    await relay.deliver("still");
    expect(await relay.leave()).toBe(0);
  });
});

test("fault.log.disk-full: delivery goes on while the disk of the log is full, and lost lines are counted", async () => {
  const full = openSync("/dev/full", "w");
  try {
    await loggingInto(full, async (relay) => {
      await relay.floodTheLog(100);
      await eventually("lines are dropped", async () => (await relay.dropped()) >= 100);
      await relay.deliver("still");
      expect(await relay.leave()).toBe(0);
    });
  } finally {
    closeSync(full);
  }
});

interface LoggingRelay {
  /** Has a line logged for each of so many connections that open and close. */
  floodTheLog(connections?: number): Promise<void>;
  dropped(): Promise<number>;
  /** Publishes an update and resolves when a connected client has it. */
  deliver(text: string): Promise<void>;
  /** Asks it to leave, and resolves with its exit status. */
  leave(): Promise<number>;
}

/** Runs a real relay whose standard output is a descriptor, at the level that tells of every connection. */
async function loggingInto(descriptor: number, work: (relay: LoggingRelay) => Promise<void>): Promise<void> {
  await using redis = await startRedis();
  const port = await freePort();
  const child = Bun.spawn([process.execPath, "packages/server/src/cli/main.ts", "serve"], {
    cwd: root,
    env: {
      ...process.env,
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(port),
      TIDINGS_REDIS_URL: redis.url,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_LOG_LEVEL: "debug",
      TIDINGS_DRAIN_WINDOW: "0s",
    },
    stdio: ["ignore", descriptor, "ignore"],
  });
  const publisher = createClient({ url: redis.url });
  try {
    await untilReady(port);
    await publisher.connect();
    const client = await TestClient.open({ url: `http://127.0.0.1:${port}/ws?user_id=ann` });
    await work({
      async floodTheLog(connections = FLOOD) {
        const address = `http://127.0.0.1:${port}/ws?user_id=${"x".repeat(240)}`;
        for (let left = connections; left > 0; left -= 100) {
          const batch = await Promise.all(
            Array.from({ length: 100 }, () => TestClient.open({ url: address })),
          );
          for (const each of batch) each.close();
          await Promise.all(batch.map((each) => each.closed()));
        }
      },
      async dropped() {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        return Number(/^tidings_log_lines_dropped_total (\d+)$/m.exec(text)?.[1] ?? "0");
      },
      async deliver(text) {
        await publisher.publish("updates", JSON.stringify({ target_user_id: "ann", type: text, payload: 1 }));
        await client.frame(text);
      },
      async leave() {
        child.kill("SIGTERM");
        return child.exited;
      },
    });
  } finally {
    publisher.destroy();
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** The writing end of a pipe that this process never reads; disposing it closes the reading end as well. */
async function openPipe(): Promise<AsyncDisposable & { readonly descriptor: number }> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-log-"));
  const path = join(directory, "pipe");
  if ((await Bun.spawn(["mkfifo", path]).exited) !== 0) throw new Error("mkfifo failed");
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(path, "w");
  return {
    descriptor,
    async [Symbol.asyncDispose]() {
      closeSync(reading);
      closeSync(descriptor);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
