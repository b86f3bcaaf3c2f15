import { expect, test } from "bun:test";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../../../tests/support/eventually.ts";
import { peerName, tablesOf, type UnreadInput, UnreadLook } from "./unread-input.ts";

const BYTES = 10_000;

/** More rows than one read of a table gives, be a page of memory 4 or 64 KiB. */
const PEERS = 300;

const onLinux = test.skipIf(process.platform !== "linux");

/** Connections to a server that reads nothing of what they send. */
async function unreadPeers(listensOn: string, host: string, count: number) {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => void accepted.push(socket));
  const port = await new Promise<number>((listening) => {
    server.listen(0, listensOn, () => {
      const address = server.address();
      listening(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  const clients = Array.from({ length: count }, () => connect(port, host));
  await eventually("all are accepted", () => accepted.length === count);
  return {
    port,
    clients,
    names: accepted.map(({ remoteAddress, remotePort }) => peerName(remoteAddress ?? "", remotePort ?? 0)),
    [Symbol.dispose]: () => {
      for (const socket of [...clients, ...accepted]) socket.destroy();
      server.close();
    },
  };
}

function lookAtOnce(host: string, port: number, overBytes: number): UnreadInput {
  return new UnreadLook(tablesOf(host), port, overBytes).read(() => false) ?? new Map();
}

/** What a look finds that reads one page at a time, and in how many parts; `between` is called between them. */
function lookByPages(look: UnreadLook, between: () => void) {
  let asked = 0;
  const onePage = (): boolean => {
    asked += 1;
    return true;
  };
  let unread = look.read(onePage);
  let parts = 1;
  for (; unread === null; unread = look.read(onePage)) {
    expect(asked).toBe(parts);
    between();
    parts += 1;
  }
  return { unread, parts };
}

/** How many files this process has open whose path ends so. */
function openFiles(ending: RegExp): number {
  return readdirSync("/proc/self/fd").filter((file) => {
    try {
      return ending.test(readlinkSync(`/proc/self/fd/${file}`));
    } catch {
      return false; // That of the directory itself, which is closed by now.
    }
  }).length;
}

/** A table of connections from these ports, as the kernel writes it, and one that is half closed. */
async function writtenTable(ports: readonly number[]) {
  const directory = await mkdtempDisposable(join(tmpdir(), "tidings-table-"));
  const path = join(directory.path, "table");
  const row = (port: number, state: string): string => {
    const peer = port.toString(16).toUpperCase();
    return `${port}: 0100007F:1F90 0100007F:${peer} ${state} 00000000:000000FF 00:00000000 00000000     0        0 0 1\n`;
  };
  const rows = [...ports.map((port) => row(port, "01")), row(50_000, "08")];
  await writeFile(path, `  sl  local_address rem_address   st tx_queue rx_queue\n${rows.join("")}`);
  return { path, [Symbol.asyncDispose]: () => directory.remove() };
}

for (const [listensOn, host] of [
  ["0.0.0.0", "127.0.0.1"],
  ["::", "127.0.0.1"],
  ["::", "::1"],
  ["localhost", "localhost"],
] as const) {
  onLinux(`what a peer at ${host} sent to a listener on ${listensOn} and nobody read is told`, async () => {
    using peers = await unreadPeers(listensOn, host, 1);
    const [name = ""] = peers.names;
    expect(lookAtOnce(listensOn, peers.port, 0)).toEqual(new Map());
    peers.clients[0]?.write(Buffer.alloc(BYTES));
    await eventually("all of it waits", () => lookAtOnce(listensOn, peers.port, 0).get(name) === BYTES);
    expect(lookAtOnce(listensOn, peers.port, BYTES).size).toBe(0);
    expect(lookAtOnce(listensOn, peers.port + 1, 0).size).toBe(0);
    expect(openFiles(/\/net\/tcp6?$/)).toBe(0);
  });
}

onLinux(
  "a look that reads one page at a time finds the same, and has one file open only meanwhile",
  async () => {
    using peers = await unreadPeers("0.0.0.0", "127.0.0.1", PEERS);
    for (const client of peers.clients) client.write(Buffer.alloc(BYTES));
    await eventually("all of it waits and is found", () => {
      const look = new UnreadLook(tablesOf("localhost"), peers.port, BYTES - 1);
      const { unread, parts } = lookByPages(look, () => {
        expect(openFiles(/\/net\/tcp6?$/)).toBeLessThanOrEqual(1);
      });
      expect(parts).toBeGreaterThan(2);
      expect(openFiles(/\/net\/tcp6?$/)).toBe(0);
      return peers.names.every((name) => unread.get(name) === BYTES);
    });
  },
);

onLinux("a look that is closed on its way holds no file, and goes no further", async () => {
  await using table = await writtenTable(Array.from({ length: 2_000 }, (_, n) => 10_000 + n));
  const ending = new RegExp(`${table.path}$`);
  const look = new UnreadLook([table.path, table.path], 8_080, 255);
  expect(look.read(() => true)).toBeNull();
  expect(openFiles(ending)).toBe(1);
  look.close();
  look.close();
  expect(openFiles(ending)).toBe(0);
  expect(look.read(() => true)).toEqual(new Map());
});

test("a row that begins in one read and ends in the next is taken whole, and one that is half closed is not", async () => {
  const ports = Array.from({ length: 2_000 }, (_, n) => 10_000 + n);
  await using table = await writtenTable(ports);
  const { unread, parts } = lookByPages(
    new UnreadLook([`${table.path}-that-is-not-there`, table.path], 8_080, 0),
    () => {},
  );
  expect(parts).toBeGreaterThan(2);
  expect(unread).toEqual(new Map(ports.map((port) => [`127.0.0.1:${port}`, 255])));
});

test("a table that a page has room for is read once", async () => {
  await using table = await writtenTable([10_000, 10_001]);
  const look = new UnreadLook([table.path], 8_080, 0);
  expect(look.read(() => true)?.size).toBe(2);
});

test("a listener on an address is told of by the table of its kind alone, one on a name by either", () => {
  const [ipv4, ipv6, either] = ["0.0.0.0", "::", "localhost"].map(tablesOf);
  expect(ipv4).toHaveLength(1);
  expect(ipv6).toHaveLength(1);
  expect(either).toEqual([...(ipv4 ?? []), ...(ipv6 ?? [])]);
});

test("IPv4 within IPv6 is one peer with IPv4", () => {
  expect(peerName("::ffff:192.0.2.1", 5)).toBe(peerName("192.0.2.1", 5));
});
