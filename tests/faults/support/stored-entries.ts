import { createClient } from "@redis/client";
import type { StoredEntry } from "../judge/evidence.ts";

const PAGE = 1_000;

/** Reads every log straight from its Redis stream, past relays and function library. */
export async function readStored(redisUrl: string): Promise<StoredEntry[]> {
  const client = createClient({ url: redisUrl });
  client.on("error", () => {});
  await client.connect();
  try {
    const entries: StoredEntry[] = [];
    for (const key of await client.keys("tidings:{*}:log")) {
      const target = key.slice("tidings:{".length, -"}:log".length);
      entries.push(...(await readLog((command) => client.sendCommand([...command]), key, target)));
    }
    return entries;
  } finally {
    client.destroy();
  }
}

async function readLog(
  ask: (command: readonly string[]) => Promise<unknown>,
  key: string,
  target: string,
): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for (let from = "-"; ;) {
    const reply = await ask(["XRANGE", key, from, "+", "COUNT", String(PAGE)]);
    const page = reply as readonly (readonly [string, readonly string[]])[];
    for (const [id, [name = "", frame = ""]] of page) {
      from = `(${id}`;
      // The marker with which an empty log begins.
      if (frame === "") continue;
      const n = id.slice(0, id.indexOf("-"));
      const epoch = name.slice(0, name.indexOf("~"));
      const { payload } = JSON.parse(frame) as { payload: { key: string } | null };
      entries.push({
        target,
        offset: `${target === "*" ? "*" : ""}${epoch}.${n}`,
        key: String(payload?.key),
      });
    }
    if (page.length < PAGE) return entries;
  }
}
