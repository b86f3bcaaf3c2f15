import { expect, test } from "bun:test";
import { systemClock } from "../../clock.ts";
import { ownBytes } from "./channel-name.ts";
import { ChannelRegistry } from "./channels.ts";
import type { RespLimits } from "./resp-limits.ts";
import { type RespServer, startRespServer } from "./resp-server.ts";
import { RawConnection } from "./resp-test-client.ts";

const CANNOT = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n";

interface Running extends Disposable {
  readonly server: RespServer;
  readonly channels: ChannelRegistry;
}

function start(limits: Partial<RespLimits> = {}): Running {
  const channels = new ChannelRegistry();
  const server = startRespServer({ port: 0, channels, clock: systemClock, limits });
  return { server, channels, [Symbol.dispose]: () => server.stop() };
}

function notHere(what: string): string {
  return (
    `-ERR the embedded broker of tidings dev does not have '${what}'; ` +
    "it is for development: point TIDINGS_REDIS_URL at a real Redis\r\n"
  );
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("waited in vain");
    await Bun.sleep(2);
  }
}

test("a command that only a real Redis has is answered by an error that says where to find one", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  await program.ask(["GET", "key"], notHere("GET"));
  await program.ask(["get\r\n+OK", "key"], notHere("get  +OK"));
  await program.ask(["CLIENT", "TRACKING", "on"], notHere("CLIENT TRACKING"));
  await program.ask(["PING"], "+PONG\r\n");
});

test("HELLO switches to protocol 3 and tells who answers", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  const hello =
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:1\r\n" +
    "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
  await program.ask(["HELLO", "3", "AUTH", "any", "secret", "SETNAME", "worker"], hello);
  await program.ask(["CLIENT", "GETNAME"], "$6\r\nworker\r\n");
  await program.ask(["HELLO", "4"], "-NOPROTO unsupported protocol version\r\n");
  await program.ask(
    ["HELLO", "2", "SETNAME", "a b"],
    "-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
  );
  await program.ask(["SUBSCRIBE", "a"], ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  await program.ask(["PUBLISH", "a", "x"], ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n:1\r\n");
  await program.ask(["PING"], "+PONG\r\n");
});

test("every user and password is believed: there are no accounts", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  await program.ask(["AUTH", "secret"], "+OK\r\n");
  await program.ask(["AUTH", "worker", "secret"], "+OK\r\n");
});

test("a subscribed protocol-2 connection may only say what Redis lets it", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  await program.ask(["SUBSCRIBE", "a"], "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  await program.ask(["PUBLISH", "a", "x"], `-ERR Can't execute 'publish': ${CANNOT}`);
  await program.ask(["PING"], "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  await program.ask(["RESET"], "+RESET\r\n");
  await program.ask(["PUBLISH", "a", "x"], ":0\r\n");
});

test("INFO names the embedded broker and says that it is ready", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  program.send("INFO");
  program.send("QUIT");
  const said = await program.untilClosed();
  expect(said).toContain("redis_version:7.2.0\r\n");
  expect(said).toContain("server_name:tidings embedded broker (for development)\r\n");
  expect(said).toContain(`tcp_port:${it.server.port}\r\n`);
  expect(said).toContain("loading:0\r\n");
  expect(said).toEndWith("+OK\r\n");
});

test("CLIENT LIST names every connection with what it says of itself", async () => {
  using it = start();
  await using one = await RawConnection.open(it.server.port);
  await using two = await RawConnection.open(it.server.port);
  await one.ask(["CLIENT", "SETINFO", "lib-name", "redis-py"], "+OK\r\n");
  await two.ask(["CLIENT", "SETNAME", "second"], "+OK\r\n");
  two.send("CLIENT", "LIST");
  two.send("QUIT");
  const said = await two.untilClosed();
  expect(said).toMatch(/id=1 addr=127\.0\.0\.1:\d+ .*lib-name=redis-py .*\nid=2 .*name=second /);
});

test("a transaction publishes at EXEC, and not at all when one of its commands was refused", async () => {
  using it = start();
  const seen: string[] = [];
  it.channels.subscribe(ownBytes("a"), { deliver: (_, data) => seen.push(Buffer.from(data).toString()) });
  await using program = await RawConnection.open(it.server.port);
  await program.ask(["MULTI"], "+OK\r\n");
  await program.ask(["PUBLISH", "a", "one"], "+QUEUED\r\n");
  await program.ask(["PUBLISH", "a", "two"], "+QUEUED\r\n");
  expect(seen).toEqual([]);
  await program.ask(["EXEC"], "*2\r\n:1\r\n:1\r\n");
  await program.ask(["MULTI"], "+OK\r\n");
  await program.ask(["PUBLISH", "a", "three"], "+QUEUED\r\n");
  await program.ask(["SUBSCRIBE", "a"], notHere("SUBSCRIBE inside MULTI"));
  await program.ask(["EXEC"], "-EXECABORT Transaction discarded because of previous errors.\r\n");
  expect(seen).toEqual(["one", "two"]);
});

test("a protocol fault is answered, counted, and ends the connection", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  program.write("*1\r\n$4\r\nPING\r\n*1\r\n:1\r\nPING\r\n");
  expect(await program.untilClosed()).toBe("+PONG\r\n-ERR Protocol error: expected '$', got ':'\r\n");
  expect(it.server.counters.protocolFaults).toBe(1);
});

test("an HTTP request that a web page makes a browser send cannot publish", async () => {
  using it = start();
  const seen: string[] = [];
  it.channels.subscribe(ownBytes("updates"), { deliver: () => seen.push("published") });
  const url = `http://127.0.0.1:${it.server.port}/`;
  const body = 'PUBLISH updates "hostile"\r\n'.repeat(3);
  for (const method of ["POST", "PUT"]) await fetch(url, { method, body }).catch(() => null);
  await until(() => it.server.connectionCount === 0);
  expect(seen).toEqual([]);
  expect(it.server.counters.protocolFaults).toBe(2);
});

test("a subscriber that never reads is cut at its bound and counted, and its neighbour gets every message", async () => {
  using it = start({ maxOutputBytes: 1_048_576 });
  await using deaf = await RawConnection.open(it.server.port);
  await deaf.ask(["SUBSCRIBE", "a"], "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  deaf.stopReading();
  await using reader = await RawConnection.open(it.server.port);
  await reader.ask(["SUBSCRIBE", "a"], "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  const payload = "x".repeat(100_000);
  const message = `*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$100000\r\n${payload}\r\n`;
  let sent = 0;
  while (it.server.counters.cutSlow === 0 && sent < 1_000) {
    it.channels.publish(ownBytes("a"), ownBytes(payload));
    await reader.expect(message);
    sent += 1;
  }
  expect(it.server.counters.cutSlow).toBe(1);
  expect(it.channels.publish(ownBytes("a"), ownBytes("after"))).toBe(1);
  await reader.expect("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nafter\r\n");
});

test("a program that asks without reading the answers is cut as well", async () => {
  using it = start({ maxOutputBytes: 1_048_576 });
  await using program = await RawConnection.open(it.server.port);
  program.stopReading();
  for (let count = 0; count < 300; count += 1) program.send("ECHO", "x".repeat(100_000));
  await until(() => it.server.counters.cutSlow === 1);
  expect(it.server.connectionCount).toBe(0);
});

test("a connection over the cap is told so and closed, and a freed place is given again", async () => {
  using it = start({ maxConnections: 1 });
  await using first = await RawConnection.open(it.server.port);
  await first.ask(["PING"], "+PONG\r\n");
  await using second = await RawConnection.open(it.server.port);
  expect(await second.untilClosed()).toBe("-ERR max number of clients reached\r\n");
  expect(it.server.counters.refused).toBe(1);
  await first.ask(["QUIT"], "+OK\r\n");
  await until(() => it.server.connectionCount === 0);
  await using third = await RawConnection.open(it.server.port);
  await third.ask(["PING"], "+PONG\r\n");
});

test("a program that sends its commands and closes its side still gets the answers", async () => {
  using it = start();
  await using program = await RawConnection.open(it.server.port);
  program.write("PING\nECHO hello\n");
  program.finishWriting();
  expect(await program.untilClosed()).toBe("+PONG\r\n$5\r\nhello\r\n");
});

test("a connection that goes away leaves no subscription behind", async () => {
  using it = start();
  const program = await RawConnection.open(it.server.port);
  await program.ask(["SUBSCRIBE", "a"], "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
  await program.ask(["PSUBSCRIBE", "b*"], "*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:2\r\n");
  await program[Symbol.asyncDispose]();
  await until(() => it.server.connectionCount === 0);
  expect([it.channels.channelNames(), it.channels.patternCount]).toEqual([[], 0]);
});

test("stopping closes every connection and frees the port, and a second server can take it", async () => {
  const it = start();
  await using program = await RawConnection.open(it.server.port);
  const { port } = it.server;
  expect(() => startRespServer({ port, channels: it.channels, clock: systemClock })).toThrow(
    `the embedded broker cannot listen on 127.0.0.1:${port}`,
  );
  it.server.stop();
  it.server.stop();
  expect(await program.untilClosed()).toBe("");
  using next = startRespServer({ port, channels: it.channels, clock: systemClock });
  expect(next.port).toBe(port);
});
