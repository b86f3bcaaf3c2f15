import { createServer, connect, type Socket } from "node:net";

/** Stands between a relay and its Redis, and answers in its place when told to. */
export interface LyingProxy extends AsyncDisposable {
  readonly url: string;
  /** Bytes to answer every further command with instead of handing it on; null tells the truth. */
  lie: Buffer | null;
  /** Lies told so far. */
  readonly lies: number;
}

/** Listens on a loopback port before the Redis on `port`. */
export async function startLyingProxy(port: number): Promise<LyingProxy> {
  const sockets = new Set<Socket>();
  let lies = 0;
  const server = createServer((relay) => {
    const redis = connect({ host: "127.0.0.1", port });
    for (const [from, to] of [
      [relay, redis],
      [redis, relay],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    relay.on("data", (bytes) => {
      if (proxy.lie === null) return redis.write(bytes);
      lies += 1;
      return relay.write(proxy.lie);
    });
    redis.on("data", (bytes) => relay.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const proxy = {
    url: `redis://127.0.0.1:${own}`,
    lie: null as Buffer | null,
    get lies() {
      return lies;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  return proxy;
}
