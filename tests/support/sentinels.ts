import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort, type RedisServer, startRedis } from "./redis-server.ts";

/** What the Sentinels call the primary. */
export const PRIMARY_NAME = "mymaster";

/** A primary, two replicas and three Sentinels that watch them, all real and on loopback. */
export interface WatchedRedis extends AsyncDisposable {
  /** The first one is the primary at the beginning. */
  readonly servers: readonly RedisServer[];
  /** The Sentinels' addresses. */
  readonly urls: readonly string[];
  /** Sends all Sentinels a signal. */
  signal(signal: NodeJS.Signals): void;
  /** The server that the Sentinels agree is the primary. */
  primary(): Promise<RedisServer>;
  /** Resolves with the new primary once the Sentinels agree on another than `former` and it takes writes. */
  successorOf(former: RedisServer): Promise<RedisServer>;
}

/** How they are set up. */
export interface WatchedRedisOptions {
  /** Further arguments of each redis-server. */
  readonly args?: readonly string[];
  /** For how long a server must be silent before a Sentinel calls it down, in milliseconds. */
  readonly downAfterMs?: number;
}

/** Starts all six, and resolves once every Sentinel knows the replicas and the other Sentinels. */
export async function startWatchedRedis(options: WatchedRedisOptions = {}): Promise<WatchedRedis> {
  const { args = [], downAfterMs = 1_000 } = options;
  const resources = new AsyncDisposableStack();
  try {
    const first = resources.use(await startRedis({ args }));
    const follow = ["--replicaof", "127.0.0.1", String(first.port), "--repl-diskless-sync-delay", "0"];
    const second = resources.use(await startRedis({ args: [...args, ...follow] }));
    const third = resources.use(await startRedis({ args: [...args, ...follow] }));
    const servers = [first, second, third];
    await eventually("both replicas are in sync", async () => {
      const replicas = await first.cli("INFO", "replication");
      return replicas.match(/state=online/g)?.length === 2;
    });
    const directory = await mkdtemp(join(tmpdir(), "tidings-sentinels-"));
    resources.defer(() => rm(directory, { recursive: true, force: true }));
    const sentinels: Sentinel[] = [];
    for (let index = 0; index < 3; index += 1) {
      const port = await freePort();
      sentinels.push(resources.use(await startSentinel(directory, port, first.port, downAfterMs)));
    }
    await eventually("the Sentinels know each other", async () => {
      const known = await Promise.all(sentinels.map((each) => each.cli("SENTINEL", "MASTER", PRIMARY_NAME)));
      return known.every((text) => /num-slaves\n2\nnum-other-sentinels\n2\n/.test(text));
    });
    const owned = resources.move();
    const primary = async (): Promise<RedisServer> => {
      const ports = await Promise.all(sentinels.map((each) => each.primaryPort()));
      const agreed = servers.find(({ port }) => ports.every((named) => named === port));
      if (agreed === undefined) throw new Error(`the Sentinels do not agree: ${ports.join(", ")}`);
      return agreed;
    };
    return {
      servers,
      urls: sentinels.map(({ port }) => `redis://127.0.0.1:${port}`),
      signal: (signal) => sentinels.forEach((each) => each.signal(signal)),
      primary,
      async successorOf(former) {
        let found = former;
        await eventually(
          "a replica took over",
          async () => {
            found = await primary().catch(() => former);
            return found !== former && (await found.cli("ROLE")).startsWith("master");
          },
          40_000,
        );
        return found;
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

interface Sentinel extends AsyncDisposable {
  readonly port: number;
  cli(...words: string[]): Promise<string>;
  primaryPort(): Promise<number>;
  signal(signal: NodeJS.Signals): void;
}

async function startSentinel(
  directory: string,
  port: number,
  primaryPort: number,
  downAfterMs: number,
): Promise<Sentinel> {
  const path = join(directory, `sentinel-${port}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${PRIMARY_NAME} ${downAfterMs}`,
    `sentinel failover-timeout ${PRIMARY_NAME} 5000`,
  ];
  await writeFile(path, `${lines.join("\n")}\n`);
  const child = Bun.spawn(["redis-server", path, "--sentinel"], { stdio: ["ignore", "ignore", "ignore"] });
  const cli = (...words: string[]): Promise<string> =>
    new Response(
      Bun.spawn(["redis-cli", "-p", String(port), ...words], { stdout: "pipe", stderr: "ignore" }).stdout,
    ).text();
  await eventually("the Sentinel answers", async () => (await cli("PING")).trim() === "PONG");
  return {
    port,
    cli,
    primaryPort: async () =>
      Number((await cli("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME)).split("\n")[1]),
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
