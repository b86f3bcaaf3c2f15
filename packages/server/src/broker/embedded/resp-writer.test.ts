import { expect, test } from "bun:test";
import { textOf } from "./channel-name.ts";
import {
  array,
  bulk,
  encodeReply,
  errorReply,
  integer,
  NULL,
  type Protocol,
  type Reply,
} from "./resp-writer.ts";

function written(reply: Reply, protocol: Protocol): string {
  return textOf(encodeReply(reply, protocol));
}

test("what both protocols have is written alike", () => {
  for (const protocol of [2, 3] as const) {
    expect(written({ type: "simple", text: "OK" }, protocol)).toBe("+OK\r\n");
    expect(written(errorReply("ERR no"), protocol)).toBe("-ERR no\r\n");
    expect(written(integer(7), protocol)).toBe(":7\r\n");
    expect(written(bulk("é"), protocol)).toBe("$2\r\né\r\n");
    expect(written(array([integer(1), array([])]), protocol)).toBe("*2\r\n:1\r\n*0\r\n");
  }
});

test("protocol 3 has nulls, maps, pushes and verbatim text of its own; protocol 2 gets Redis's stand-ins", () => {
  const map: Reply = { type: "map", entries: [[bulk("a"), integer(1)]] };
  const push: Reply = { type: "push", items: [NULL] };
  const verbatim: Reply = { type: "verbatim", text: "hello" };
  expect([written(map, 2), written(map, 3)]).toEqual(["*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"]);
  expect([written(push, 2), written(push, 3)]).toEqual(["*1\r\n$-1\r\n", ">1\r\n_\r\n"]);
  expect([written(verbatim, 2), written(verbatim, 3)]).toEqual(["$5\r\nhello\r\n", "=9\r\ntxt:hello\r\n"]);
});

test("a line break cannot end an error early", () => {
  expect(written(errorReply("ERR a\r\n+OK"), 2)).toBe("-ERR a  +OK\r\n");
});

test("bytes are written as they are", () => {
  expect([...encodeReply(bulk(new Uint8Array([0, 255, 13, 10])), 2)]).toEqual([
    0x24, 0x34, 13, 10, 0, 255, 13, 10, 13, 10,
  ]);
});
