import type * as Sdk from "../../../packages/client/src/index.ts";
import type { Asked, Question, Stage } from "./stage.ts";

// What the package does wherever it runs. This file runs there too: it uses nothing but what all runtimes have.

/** What one behaviour is tried with. */
interface Scene {
  readonly sdk: typeof Sdk;
  /** A user of this trial's own. */
  readonly user: string;
  readonly relay: string;
  ask<Name extends Question>(name: Name, asked?: Asked): Promise<Awaited<ReturnType<Stage[Name]>>>;
  /** Connects as the user, with a good token unless `options` say otherwise, and keeps what is told. */
  open(options?: Partial<Sdk.ConnectOptions>): Seen;
}

interface Seen {
  readonly tidings: Sdk.Tidings;
  readonly updates: unknown[];
  readonly gaps: Sdk.Gap[];
}

/** How often a condition is looked at, and how long it may take to come true, in milliseconds. */
const LOOK_MS = 10;
const PATIENCE_MS = 30_000;

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come to pass: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, LOOK_MS);
    });
  }
}

function same(found: unknown, wanted: unknown): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`found ${left} and wanted ${right}`);
}

function live({ tidings }: Seen): Promise<void> {
  return until("the client is live", () => tidings.status.kind === "live");
}

/** Each behaviour by the sentence that promises it. */
export const behaviours: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async "is told its user's updates and broadcasts, once and in order"({ open, ask, user }) {
    const seen = open();
    await live(seen);
    await ask("publish", { user, from: 1, to: 20 });
    await ask("publish", { user: "*", from: 21, to: 22 });
    await until("all updates came", () => seen.updates.length >= 22);
    same(
      seen.updates,
      Array.from({ length: 22 }, (_, at) => at + 1),
    );
    same(seen.gaps, []);
    seen.tidings.close();
  },

  async "goes on where it was after its relay was killed"({ open, ask, user }) {
    const seen = open();
    await live(seen);
    await ask("publish", { user, from: 1, to: 3 });
    await until("three updates came", () => seen.updates.length === 3);
    await ask("killRelay");
    await until("it is noticed", () => seen.tidings.status.kind !== "live");
    await ask("publish", { user, from: 4, to: 6 });
    await ask("startRelay");
    await live(seen);
    await ask("publish", { user, from: 7, to: 9 });
    await until("all updates came", () => seen.updates.length >= 9);
    same(seen.updates, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    same(seen.gaps, []);
    seen.tidings.close();
  },

  async "tells a gap where its place is of a log that is gone, and is live after it"({ open, ask, user }) {
    const seen = open({ since: "elsewhere.7" });
    await live(seen);
    await ask("publish", { user, from: 1, to: 1 });
    await until("the update came", () => seen.updates.length === 1);
    same(
      seen.gaps.map(({ reason, after }) => [reason, after]),
      [["epoch_changed", "elsewhere.7"]],
    );
    seen.tidings.close();
  },

  async "asks for another token when the relay refuses the one it has"({ open, ask, user }) {
    let asked = 0;
    const seen = open({
      share: user,
      token: () => {
        asked += 1;
        return ask("token", { user, seconds: asked === 1 ? -3_600 : 3_600 });
      },
    });
    const kinds: string[] = [];
    seen.tidings.on("tidings.status", ({ kind }) => kinds.push(kind));
    await live(seen);
    same([asked, kinds.includes("refused")], [2, false]);
    seen.tidings.close();
  },

  async "sends messages that reach the workers, and hears that the relay took them"({
    open,
    ask,
    user,
    sdk,
  }) {
    const seen = open();
    await seen.tidings.send("ask", { question: "why?" });
    await until("the worker has it", async () => (await ask("messages", { user })).length === 1);
    same(await ask("messages", { user }), [{ type: "ask", payload: { question: "why?" } }]);
    const error: unknown = await seen.tidings
      .send("ask", "x".repeat(70_000))
      .catch((error: unknown) => error);
    if (!(error instanceof sdk.TidingsError)) throw new Error(`no TidingsError: ${String(error)}`);
    same(error.code, "too_big");
    seen.tidings.close();
  },

  async "lives on server-sent events behind a proxy that passes no WebSocket on"({ open, ask, user }) {
    const seen = open({ url: await ask("narrowProxy") });
    await live(seen);
    const { status } = seen.tidings;
    same(status.kind === "live" && status.transport, "sse");
    await ask("publish", { user, from: 1, to: 3 });
    await until("three updates came", () => seen.updates.length === 3);
    seen.tidings.reconnect();
    await ask("publish", { user, from: 4, to: 6 });
    await until("all updates came", () => seen.updates.length >= 6);
    same(seen.updates, [1, 2, 3, 4, 5, 6]);
    same(seen.gaps, []);
    seen.tidings.close();
  },

  async "ends its loops and its connection when its signal aborts"({ open, ask, user }) {
    const stop = new AbortController();
    const seen = open({ signal: stop.signal });
    await live(seen);
    const looped: unknown[] = [];
    const loop = (async (): Promise<void> => {
      for await (const { payload } of seen.tidings.updates("step")) looped.push(payload);
    })();
    await ask("publish", { user, from: 1, to: 2 });
    await until("the loop has them", () => looped.length === 2);
    stop.abort();
    await loop;
    same(seen.tidings.status, { kind: "offline", reason: "closed", retryAt: null });
    await until("the relay has no connection", async () => (await ask("connections", { user })) === 0);
  },

  async "is refused for good where an operator sends it away, until the application wants it back"(scene) {
    const { open, ask, user } = scene;
    const seen = open();
    await live(seen);
    await ask("sendAway", { user });
    await until("it is refused", () => seen.tidings.status.kind === "refused");
    seen.tidings.reconnect();
    await live(seen);
    seen.tidings.close();
    await until("the relay has no connection", async () => (await ask("connections", { user })) === 0);
  },
};

/** Tries one behaviour with the package against the stage at `url`. Rejects where it does not behave so. */
export async function perform(sdk: typeof Sdk, name: string, url: string): Promise<void> {
  const behaviour = behaviours[name];
  if (!behaviour) throw new Error(`there is no behaviour "${name}"`);
  const user = `user-${crypto.randomUUID()}`;
  const ask: Scene["ask"] = async (name, asked = {}) => {
    const response = await fetch(`${url}/ask/${name}`, { method: "POST", body: JSON.stringify(asked) });
    if (!response.ok) throw new Error(await response.text());
    return (await response.json()) as never;
  };
  const relay = await ask("relay");
  const token = (): Promise<string> => ask("token", { user, seconds: 3_600 });
  await behaviour({
    sdk,
    user,
    relay,
    ask,
    open(options) {
      const tidings = sdk.connect({ url: relay, token, ...options });
      const seen: Seen = { tidings, updates: [], gaps: [] };
      tidings.on("step", (payload) => seen.updates.push(payload));
      tidings.on("tidings.gap", (gap) => seen.gaps.push(gap));
      return seen;
    },
  });
}
