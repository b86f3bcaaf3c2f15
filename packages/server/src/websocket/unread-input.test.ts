import { expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { eventually } from "../../../../tests/support/eventually.ts";
import { peerName, readUnreadInput } from "./unread-input.ts";

const BYTES = 100_000;

for (const host of ["127.0.0.1", "::1"]) {
  test.skipIf(process.platform !== "linux")(
    `what a peer at ${host} sent and nobody read is told`,
    async () => {
      const { promise, resolve } = Promise.withResolvers<Socket>();
      const server = createServer({ pauseOnConnect: true }, resolve);
      const port = await new Promise<number>((listening) => {
        server.listen(0, host === "::1" ? "::" : "0.0.0.0", () => {
          const address = server.address();
          listening(typeof address === "object" && address !== null ? address.port : 0);
        });
      });
      const client = connect(port, host);
      const accepted = await promise;
      const name = peerName(accepted.remoteAddress ?? "", accepted.remotePort ?? 0);
      expect(readUnreadInput(port, 0)).toEqual(new Map());
      client.write(Buffer.alloc(BYTES));
      await eventually("all of it waits", () => readUnreadInput(port, 0).get(name) === BYTES);
      expect(readUnreadInput(port, BYTES).size).toBe(0);
      expect(readUnreadInput(port + 1, 0).size).toBe(0);
      client.destroy();
      accepted.destroy();
      server.close();
    },
  );
}

test("IPv4 within IPv6 is one peer with IPv4", () => {
  expect(peerName("::ffff:192.0.2.1", 5)).toBe(peerName("192.0.2.1", 5));
});
