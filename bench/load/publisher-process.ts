import type { Socket } from "bun";
import { answerCalls } from "./child.ts";
import type { PublisherCalls, StreamOptions } from "./publisher.ts";
import { ReplyCounter } from "./reply-counter.ts";
import { EVERYONE, stamp, updateText, userId } from "./update-text.ts";

const TICK_MS = 2;
const RECONNECT_MS = 20;

let port = 0;
let socket: Socket<undefined> | null = null;
let pending: Uint8Array = new Uint8Array();
let timer: Timer | null = null;
let published = 0;
let skipped = 0;
const replies = new ReplyCounter();
/** How many updates each target has been sent, by user index. */
const counters = new Map<number, number>();

function lost(closed: Socket<undefined> | null): void {
  if (closed !== null && closed !== socket) return;
  socket = null;
  pending = new Uint8Array();
  setTimeout(() => void connect(), RECONNECT_MS);
}

async function connect(): Promise<void> {
  try {
    replies.begin();
    socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_, bytes) => replies.read(bytes),
        drain: () => write(new Uint8Array()),
        close: (closed) => lost(closed),
        error() {},
      },
    });
  } catch {
    lost(null);
  }
}

function write(more: Uint8Array): void {
  if (socket === null) return;
  const bytes = pending.length === 0 ? more : Buffer.concat([pending, more]);
  const taken = Math.max(0, bytes.length === 0 ? 0 : socket.write(bytes));
  pending = bytes.subarray(taken);
}

function next(user: number, text: string, by: StreamOptions["by"]): string {
  const n = (counters.get(user) ?? 0) + 1;
  counters.set(user, n);
  const update = updateText(user, n, stamp(), text);
  if (by !== "FCALL") return command("PUBLISH", "updates", update);
  const key = `tidings:{${user === EVERYONE ? "*" : userId(user)}}:log`;
  return command("FCALL", "tidings_publish", "1", key, update);
}

/** A command as Redis reads it; all parts are ASCII. */
function command(...parts: readonly string[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${part.length}\r\n${part}\r\n`;
  return text;
}

function stream({ firstUser, users, rate, textBytes, by }: StreamOptions): void {
  const text = "t".repeat(textBytes);
  const startedAt = performance.now();
  let sent = 0;
  timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * rate) - sent;
    let batch = "";
    for (let index = 0; index < due; index += 1) {
      const user = firstUser === EVERYONE ? EVERYONE : firstUser + (sent % users);
      batch += next(user, text, by);
      sent += 1;
    }
    if (due <= 0) return;
    // Counters run on while there is no connection: receivers then see what was never published as lost.
    if (socket === null) skipped += due;
    else published += due;
    write(Buffer.from(batch, "latin1"));
  }, TICK_MS);
}

answerCalls({
  async connect(to) {
    port = to;
    await connect();
  },
  start(options) {
    published = 0;
    replies.clear();
    skipped = 0;
    stream(options);
  },
  async stop() {
    if (timer !== null) clearInterval(timer);
    timer = null;
    const deadline = performance.now() + 5_000;
    while (replies.confirmed + replies.errors < published && performance.now() < deadline) await Bun.sleep(5);
    return { published, confirmed: replies.confirmed, error: replies.firstError, skipped };
  },
} satisfies PublisherCalls);
