import { expect, test } from "bun:test";
import { systemClock } from "../../../clock.ts";
import { LogNoticeReader } from "../../log-notice.ts";
import { LOG_CHANNEL, type LogBounds } from "../../update-log.ts";
import { ownBytes, textOf } from "../channel-name.ts";
import { ChannelRegistry } from "../channels.ts";
import { LogStore } from "../log-store.ts";
import { type RespServer, startRespServer } from "../resp-server.ts";
import { RawConnection } from "../resp-test-client.ts";

const BOUNDS: LogBounds = { updates: 100, bytes: 1_048_576, ttlMs: 60_000, maxUpdateBytes: 1_000 };
const EPOCH = "8000000000";
const UPDATE = '{"target_user_id": "ann", "type": "t", "payload": {"text": "é"}}';
const FRAME = '{"type": "t", "payload": {"text": "é"}}';
const KEY = "tidings:{ann}:log";

interface Running extends Disposable {
  readonly server: RespServer;
  readonly store: LogStore;
  /** Every notice, as target, number and frame. */
  readonly told: (readonly [string, number, string])[];
}

function start(): Running {
  const channels = new ChannelRegistry();
  const store = new LogStore({ bounds: BOUNDS, channels, clock: systemClock, random: () => 0.5 });
  const told: (readonly [string, number, string])[] = [];
  const reader = new LogNoticeReader();
  channels.subscribe(ownBytes(LOG_CHANNEL), {
    deliver(_, notice) {
      expect(reader.read(notice)).toBe(true);
      told.push([reader.target, reader.n, textOf(notice.subarray(reader.frameStart))]);
    },
  });
  const server = startRespServer({ port: 0, channels, clock: systemClock, store });
  return { server, store, told, [Symbol.dispose]: () => server.stop() };
}

/** The answer that is a string of ASCII. */
function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

test("FCALL tidings_publish stores an update, tells it, and answers its position", async () => {
  using it = start();
  await using worker = await RawConnection.open(it.server.port);
  await worker.ask(["FCALL", "tidings_publish", "1", KEY, UPDATE], bulk(`${EPOCH}-1.1`));
  await worker.ask(["fcall", "Tidings_Publish", "1", KEY, UPDATE], bulk(`${EPOCH}-1.2`));
  const everyone = '{"type":"t","payload":null,"target_user_id":"*"}';
  await worker.ask(["FCALL", "tidings_publish", "1", "tidings:{*}:log", everyone], bulk(`${EPOCH}-2.1`));
  expect(it.told).toEqual([
    ["ann", 1, FRAME],
    ["ann", 2, FRAME],
    ["*", 1, '{"type":"t","payload":null}'],
  ]);
});

test("an update with a known id is answered with its first position, and a hole in seq is told", async () => {
  using it = start();
  await using worker = await RawConnection.open(it.server.port);
  const publish = (seq: number): readonly string[] => {
    const update = `{"target_user_id":"ann","type":"t","payload":1,"id":"${seq}","seq":${seq},"producer":"p"}`;
    return ["FCALL", "tidings_publish", "1", KEY, update];
  };
  await worker.ask(publish(1), bulk(`${EPOCH}-1.1`));
  await worker.ask(publish(1), bulk(`${EPOCH}-1.1`));
  await worker.ask(publish(4), bulk(`${EPOCH}-1.2`));
  const { entries } = it.store.read("ann", "earliest", { updates: 10, bytes: 10_000 });
  expect(entries.map(({ missed }) => missed)).toEqual([null, { producer: "p", from: 2, to: 3 }]);
});

const REFUSED: readonly (readonly [string, string, string])[] = [
  [KEY, "{", "not_json: the update is not JSON in UTF-8"],
  [KEY, "[]", "not_object: the update is not a JSON object"],
  [
    KEY,
    '{"type":"t","payload":1}',
    'target_missing: the field "target_user_id" is missing; "*" means every user',
  ],
  [
    KEY,
    '{"target_user_id":"ann","type":"tidings.x","payload":1}',
    'type_reserved: types that begin with "tidings." belong to the relay',
  ],
  [KEY, `{"a":"${"x".repeat(1_000)}"}`, "too_large: the update is larger than max_update_bytes"],
  ["tidings:{bob}:log", UPDATE, `key_mismatch: the key of the log of this user is ${KEY}`],
  ["ann", UPDATE, `key_mismatch: the key of the log of this user is ${KEY}`],
];

test("an update that is refused is not stored, and its publisher is told why", async () => {
  using it = start();
  await using worker = await RawConnection.open(it.server.port);
  for (const [key, update, why] of REFUSED) {
    await worker.ask(["FCALL", "tidings_publish", "1", key, update], `-ERR tidings: ${why}\r\n`);
  }
  await worker.ask(
    ["FCALL", "tidings_publish", "2", KEY, KEY, UPDATE],
    "-ERR tidings: usage: FCALL tidings_publish 1 tidings:{USER}:log UPDATE\r\n",
  );
  expect(it.told).toEqual([]);
  expect(it.store.positions(["ann"]).map(({ n }) => n)).toEqual([0]);
});

test("a transaction stores its updates at EXEC", async () => {
  using it = start();
  await using worker = await RawConnection.open(it.server.port);
  await worker.ask(["MULTI"], "+OK\r\n");
  await worker.ask(["FCALL", "tidings_publish", "1", KEY, UPDATE], "+QUEUED\r\n");
  await worker.ask(["FCALL", "tidings_publish", "1", KEY, "{"], "+QUEUED\r\n");
  await worker.ask(["FCALL", "tidings_publish", "1", KEY, UPDATE], "+QUEUED\r\n");
  expect(it.told).toEqual([]);
  const refusal = "-ERR tidings: not_json: the update is not JSON in UTF-8\r\n";
  await worker.ask(["EXEC"], `*3\r\n${bulk(`${EPOCH}-1.1`)}${refusal}${bulk(`${EPOCH}-1.2`)}`);
});

test("with history off, FCALL says how to turn it on, and no library is listed", async () => {
  using server = startRespServer({ port: 0, channels: new ChannelRegistry(), clock: systemClock });
  await using worker = await RawConnection.open(server.port);
  await worker.ask(
    ["FCALL", "tidings_publish", "1", KEY, UPDATE],
    "-ERR tidings: history_off: this relay keeps no history; turn it on with TIDINGS_HISTORY=true\r\n",
  );
  await worker.ask(["FCALL", "other", "0"], "-ERR Function not found\r\n");
  await worker.ask(["FUNCTION", "LIST"], "*0\r\n");
});

test("FUNCTION LIST names the library and its function, in either protocol", async () => {
  using it = start();
  await using worker = await RawConnection.open(it.server.port);
  const named = `${bulk("library_name")}${bulk("tidings")}${bulk("engine")}${bulk("LUA")}${bulk("functions")}`;
  const described = `${bulk("name")}${bulk("tidings_publish")}${bulk("description")}`;
  await worker.ask(
    ["FUNCTION", "LIST", "LIBRARYNAME", "tid*"],
    `*1\r\n*6\r\n${named}*1\r\n*6\r\n${described}$-1\r\n${bulk("flags")}*0\r\n`,
  );
  await worker.ask(["FUNCTION", "LIST", "LIBRARYNAME", "other"], "*0\r\n");
  await worker.sayHello();
  await worker.ask(
    ["function", "list"],
    `*1\r\n%3\r\n${named}*1\r\n%3\r\n${described}_\r\n${bulk("flags")}~0\r\n`,
  );
  worker.send("FUNCTION", "LIST", "WITHCODE");
  worker.send("QUIT");
  expect(await worker.untilClosed()).toContain("#!lua name=tidings\n");
});
