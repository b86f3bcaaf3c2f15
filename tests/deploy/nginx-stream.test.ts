import { describe, expect, test } from "bun:test";
import { available, type Tool } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { TestStream } from "../support/test-stream.ts";
import { startNginx } from "./nginx-server.ts";

const NGINX: Tool = { command: "nginx", install: "`apt-get install nginx-light`" };

for (const site of ["shipped", "plain"] as const) {
  describe.skipIf(!available(NGINX))(`behind nginx with its ${site} site, a stream`, () => {
    test("gets each event when it is published, not when a buffer is full or the stream ends", async () => {
      await using relay = await startTestRelay();
      await using nginx = await startNginx({ relays: [relay.relay.port], site });
      using stream = await TestStream.open(`http://127.0.0.1:${nginx.port}/v1/stream?user_id=ann`);
      await stream.frame("tidings.welcome");
      for (let n = 1; n <= 20; n += 1) {
        await relay.publish({ target_user_id: "ann", type: "t", payload: n });
        // Only once the one before has come is the next one published.
        expect(await stream.received(n)).toHaveLength(n);
      }
      expect(stream.isEnded).toBe(false);
    });

    test("gets the end that the relay tells it, and what it is refused for", async () => {
      await using relay = await startTestRelay();
      await using nginx = await startNginx({ relays: [relay.relay.port], site });
      const url = `http://127.0.0.1:${nginx.port}/v1/stream`;
      using stream = await TestStream.open(`${url}?user_id=ann`);
      await stream.frame("tidings.welcome");
      relay.relay.hub.clientsOf("ann")[0]?.close("forbidden");
      await stream.ended();
      expect(stream.frames.at(-1)).toMatchObject({ type: "tidings.closing", payload: { code: 4403 } });
      const refused = await fetch(url);
      expect(refused.status).toBe(401);
      expect(await refused.json()).toMatchObject({ type: "urn:tidings:problem:token_refused" });
    });

    test("leaves the relay when its reader leaves nginx", async () => {
      await using relay = await startTestRelay();
      await using nginx = await startNginx({ relays: [relay.relay.port], site });
      const stream = await TestStream.open(`http://127.0.0.1:${nginx.port}/v1/stream?user_id=ann`);
      await stream.frame("tidings.welcome");
      stream[Symbol.dispose]();
      await eventually("it is gone", () => relay.relay.hub.connections === 0);
    });
  });
}

describe.skipIf(!available(NGINX))("behind nginx with its shipped site", () => {
  test("who resumes a stream needs no relay that knows it: another one goes on where the first ended", async () => {
    await using redis = await startRedis();
    const settings = { history: true };
    await using staying = await startTestRelay({ redis, settings });
    const leaving = await startTestRelay({ redis, settings });
    await using nginx = await startNginx({ relays: [leaving.relay.port, staying.relay.port] });
    const url = `http://127.0.0.1:${nginx.port}/v1/stream?user_id=ann`;
    using one = await TestStream.open(url);
    using two = await TestStream.open(url);
    await Promise.all([one, two].map((stream) => stream.frame("tidings.welcome")));
    expect([leaving, staying].map(({ relay }) => relay.hub.connections)).toEqual([1, 1]);
    await staying.store({ target_user_id: "ann", type: "t", payload: 1 });
    await Promise.all([one, two].map((stream) => stream.received(1)));
    await leaving[Symbol.asyncDispose]();
    await eventually("one of them ended", () => one.isEnded || two.isEnded);
    await staying.store({ target_user_id: "ann", type: "t", payload: 2 });
    const ended = one.isEnded ? one : two;
    using back = await TestStream.open(url, { "last-event-id": ended.parser.lastEventId });
    expect(await back.received(1)).toMatchObject([{ payload: 2 }]);
    expect(await back.frame("tidings.welcome")).toMatchObject({ payload: { recovered: true, following: 1 } });
  });
});
