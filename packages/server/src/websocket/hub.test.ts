import { expect, test } from "bun:test";
import { idHash, type Update } from "@tidings/protocol";
import fc from "fast-check";
import { Hub, type Recipient } from "./hub.ts";

class FakeClient implements Recipient {
  readonly userId: string;
  readonly frames: string[] = [];

  constructor(userId: string) {
    this.userId = userId;
  }

  send(frame: string): boolean {
    this.frames.push(frame);
    return true;
  }
}

const update = (target: string, text = "frame"): Update => ({
  target,
  targetHash: idHash(target),
  frame: () => text,
  frameBytes: text.length,
});

const names = ["alice", "bob", "__proto__", "constructor", ""];

test("the registry agrees with a list of clients after any sequence of comings and goings", () => {
  const step = fc.record({
    action: fc.constantFrom("come", "come again", "go", "go again"),
    user: fc.constantFrom(...names),
    pick: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const hub = new Hub<FakeClient>();
      let present: FakeClient[] = [];
      const gone: FakeClient[] = [];
      for (const { action, user, pick } of steps) {
        const some = present[pick % Math.max(1, present.length)];
        if (action === "come") {
          const client = new FakeClient(user);
          present.push(client);
          hub.register(client);
        } else if (action === "come again" && some !== undefined) hub.register(some);
        else if (action === "go" && some !== undefined) {
          present = present.filter((client) => client !== some);
          gone.push(some);
          hub.unregister(some);
        } else if (action === "go again") {
          const former = gone[pick % Math.max(1, gone.length)];
          if (former !== undefined) hub.unregister(former);
        }
        expect(hub.connections).toBe(present.length);
        expect(hub.users).toBe(new Set(present.map((client) => client.userId)).size);
        for (const name of names) {
          expect(hub.clientsOf(name)).toEqual(present.filter((client) => client.userId === name));
        }
      }
      for (const name of names) {
        const expected = present.filter((client) => client.userId === name);
        expect(hub.deliver(update(name, `for ${name}`))).toBe(expected.length);
      }
      expect(hub.deliver(update("*", "for all"))).toBe(present.length);
      for (const client of present) expect(client.frames).toEqual([`for ${client.userId}`, "for all"]);
      for (const client of gone) expect(client.frames).toEqual([]);
    }),
  );
});

test("an update whose hash says that its user is elsewhere has no text made of it, not even of its target", () => {
  const hub = new Hub<FakeClient>();
  hub.register(new FakeClient("alice"));
  const elsewhere: Update = {
    get target(): string {
      throw new Error("the target was decoded");
    },
    targetHash: idHash("bob"),
    frame: () => "frame",
    frameBytes: 5,
  };
  expect(hub.deliver(elsewhere)).toBe(0);
});

test("an update for nobody never has its frame built", () => {
  const hub = new Hub<FakeClient>();
  const refuse = (): string => {
    throw new Error("the frame was built");
  };
  expect(hub.deliver({ target: "nobody", targetHash: -1, frame: refuse, frameBytes: 1 })).toBe(0);
  expect(hub.deliver({ target: "*", targetHash: idHash("*"), frame: refuse, frameBytes: 1 })).toBe(0);
});
