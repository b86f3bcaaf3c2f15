import { createClient } from "@redis/client";
import type { ServerWebSocket } from "bun";

/** What a control does wrong with one update in twenty; "nothing" is a relay that works. */
export type Misdeed = "nothing" | "loses" | "doubles" | "swaps" | "misdirects" | "alters" | "stalls";

/** One update in so many is treated badly. */
const EVERY = 20;
const STALL_MS = 300;
const LAST_QUOTE = 3;

/** A relay that works, but for what it is told to do wrong. The generator must notice each of them. */
export interface MisbehavingRelay extends AsyncDisposable {
  readonly port: number;
}

/** Starts a control on a port of its own, which reads updates from this Redis. */
export async function startMisbehavingRelay(redisUrl: string, misdeed: Misdeed): Promise<MisbehavingRelay> {
  const sockets = new Map<string, ServerWebSocket<string>>();
  const server = Bun.serve<string>({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request, server) {
      const data = new URL(request.url).searchParams.get("user_id") ?? "";
      return server.upgrade(request, { data }) ? undefined : new Response("ready");
    },
    websocket: {
      open: (socket) => void sockets.set(socket.data, socket),
      message() {},
    },
  });
  const client = createClient({ url: redisUrl });
  await client.connect();
  let count = 0;
  let held: (() => void) | null = null;
  await client.subscribe("updates", (message) => {
    const { target_user_id: target, ...update } = JSON.parse(message) as { target_user_id: string };
    const text = JSON.stringify(update);
    const send = (to: string, what: string): void => void sockets.get(to)?.send(what);
    const deliver = (): void => {
      if (target === "*") for (const socket of sockets.values()) socket.send(text);
      else send(target, text);
    };
    count += 1;
    const isBad = count % EVERY === 0;
    if (isBad && misdeed === "loses") return;
    if (isBad && misdeed === "misdirects") {
      const other = [...sockets.keys()].find((user) => user !== target) ?? "";
      send(other, text);
      return;
    }
    if (isBad && misdeed === "alters") {
      send(target, `${text.slice(0, -LAST_QUOTE)}!${text.slice(-LAST_QUOTE + 1)}`);
      return;
    }
    if (isBad && misdeed === "swaps") {
      // Until the next update of the same user.
      held = deliver;
      return;
    }
    if (misdeed === "stalls" && count === EVERY) Bun.sleepSync(STALL_MS);
    deliver();
    if (isBad && misdeed === "doubles") deliver();
    held?.();
    held = null;
  });
  return {
    port: server.port ?? 0,
    async [Symbol.asyncDispose]() {
      client.destroy();
      await server.stop(true);
    },
  };
}
