import assert from "node:assert/strict";
import { ClientMessageReader } from "@tidings/protocol";
import backoff from "../../../conformance/backoff.json" with { type: "json" };
import clientMessages from "../../../conformance/client-messages.json" with { type: "json" };
import closeCodes from "../../../conformance/close-codes.json" with { type: "json" };
import frames from "../../../conformance/frames.json" with { type: "json" };
import offsets from "../../../conformance/offsets.json" with { type: "json" };
import updates from "../../../conformance/updates.json" with { type: "json" };
import { waitFor } from "../src/come-back.ts";
import { connectOn } from "../src/connect.ts";
import type { ConnectOptions, Tidings } from "../src/tidings.ts";
import type { FakeSocket } from "./support/fake-socket.ts";
import { test } from "./support/suite.ts";
import { TestPlatform } from "./support/test-platform.ts";

interface Scene {
  readonly platform: TestPlatform;
  readonly tidings: Tidings;
  readonly socket: FakeSocket;
  /** All updates that were told. */
  readonly told: unknown[];
}

async function open(options: Partial<ConnectOptions> = {}): Promise<Scene> {
  const platform = new TestPlatform();
  const tidings = connectOn(platform, { url: "https://relay.example.com", ...options });
  const told: unknown[] = [];
  tidings.on("*", (_payload, update) => told.push(update));
  return { platform, tidings, told, socket: await platform.socketNumber(1) };
}

test("after each close code the client does what the vectors say", async () => {
  for (const { code, come_back: comeBack } of [...closeCodes.codes, ...closeCodes.others]) {
    let asked = 0;
    const { platform, tidings, socket } = await open({ token: () => `t${(asked += 1)}` });
    socket.welcome();
    socket.drop(code);
    const { status } = tidings;
    if (comeBack === "never") assert.deepEqual([code, status.kind], [code, "refused"]);
    else {
      const wait = comeBack === "later" ? 500 : 0;
      assert.deepEqual(
        [code, status],
        [code, { ...status, kind: "offline", retryAt: platform.now() + wait }],
      );
      await platform.advance(wait);
      const next = await platform.socketNumber(2);
      assert.equal(next.protocols[1], "tidings.token.t2");
    }
    tidings.close();
  }
});

test("advice in a close reason is obeyed as in the vectors", async () => {
  for (const { code, reason, retry_after_ms: advice } of closeCodes.advice) {
    const { platform, tidings, socket } = await open();
    socket.drop(code, reason);
    const { status } = tidings;
    assert(status.kind === "offline");
    assert.equal(status.retryAt, platform.now() + (advice ?? 500));
    tidings.close();
  }
});

test("waiting times keep the bounds of the vectors", () => {
  const verdict = { code: 1006, reason: "", comeBack: "later" } as const;
  const isOurs = ({
    first_ms: first,
    longest_ms: longest,
  }: {
    first_ms: number;
    longest_ms: number;
  }): boolean => first === 1_000 && longest === 30_000;
  const bounds = backoff.bounds.filter(isOurs);
  assert(bounds.length > 5);
  for (const { failures, max_ms: most } of bounds) {
    assert.equal(waitFor(verdict, failures, 0), 0);
    const longest = waitFor(verdict, failures, 1 - Number.EPSILON / 2);
    assert(longest < most && longest > most * 0.999);
  }
  for (const { failures, chance, wait_ms: wait } of backoff.waits.filter(isOurs)) {
    assert.equal(waitFor(verdict, failures, chance), wait);
  }
});

test("any place to begin from goes to the relay in the application's own words, malformed ones too", async () => {
  const malformed = offsets.malformed.filter((since) => since !== "");
  for (const since of [...offsets.valid.map((one) => one.since), ...malformed]) {
    const { tidings, socket } = await open({ since });
    assert.equal(socket.since, since);
    tidings.close();
  }
});

test("offsets of the vectors that were told are given back", async () => {
  const { platform, tidings, socket } = await open();
  socket.welcome({ offset: "0f3a9c12de.4,*0f3a9c12de.9007199254740990" });
  socket.updates(...offsets.format.map(({ offset }) => offset));
  assert.equal(tidings.offset, offsets.format.map(({ offset }) => offset).join());
  socket.drop();
  await platform.advance(1_000);
  assert.equal((await platform.socketNumber(2)).since, tidings.offset);
  tidings.close();
});

test("frames are read as in the vectors: updates are told as they are, the relay's own words are not", async () => {
  for (const { frame, system, members } of frames.frames) {
    const { tidings, socket, told } = await open();
    socket.welcome();
    socket.sayRaw(frame);
    assert.deepEqual(told, system ? [] : [members]);
    tidings.close();
  }
  const { tidings, socket, told } = await open();
  const texts = updates.valid.map((one) => one.frame);
  socket.welcome();
  for (const text of texts) socket.sayRaw(text);
  assert.deepEqual(
    told,
    texts.map((text) => JSON.parse(text) as unknown),
  );
  tidings.close();
});

test("what the client sends is a message as the vectors have it", async () => {
  const reader = new ClientMessageReader();
  const sendable = clientMessages.valid.filter(({ type }) => !type.startsWith("tidings."));
  assert(sendable.length > 3);
  for (const { type, payload } of sendable) {
    const { tidings, socket } = await open();
    socket.welcome();
    const value = JSON.parse(payload) as unknown;
    const sent = tidings.send(type, value);
    const { id } = socket.sent[0] ?? {};
    assert.deepEqual(reader.read(new TextEncoder().encode(JSON.stringify(socket.sent[0]))), {
      type,
      payload: JSON.stringify(value),
      id,
    });
    socket.say({ type: "tidings.ack", id: id ?? "" });
    await sent;
    tidings.close();
  }
});
