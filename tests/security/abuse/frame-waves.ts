import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { type Assault, frame, type Wave } from "./assault.ts";

const LANES = 6;
const TEXT = 0x81;
const FIRST_FRAGMENT = 0x01;
const FRAGMENT = 0x00;
const PING = 0x89;

/** Writes the same bytes for as long as the relay takes them. */
async function flood(assault: Assault, socket: Socket, bytes: Uint8Array): Promise<void> {
  const pump = (): void => {
    while (!socket.destroyed && !assault.isOver && socket.write(bytes)) assault.attempts += 1;
  };
  socket.on("drain", pump);
  pump();
  await assault.held(socket, 60_000);
}

function copies(bytes: Uint8Array, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}

/** Attacks of users who may come in. */
export const frameWaves: Readonly<Record<string, Wave>> = {
  "oversized messages and fragments without end": async (assault) => {
    const piece = frame(FRAGMENT, "a".repeat(1_000));
    await assault.repeat(LANES, async () => {
      const socket = await assault.enter("large");
      if (assault.attempts % 2 === 0) socket.write(frame(TEXT, "a".repeat(1_000_000)));
      else socket.write(Buffer.concat([frame(FIRST_FRAGMENT, "a"), copies(piece, 1_000)]));
      await assault.held(socket, 500);
    });
  },

  "messages that never end": async (assault) => {
    await assault.repeat(HOLDERS, async () => {
      const socket = await assault.enter("endless");
      socket.write(Buffer.concat([frame(FIRST_FRAGMENT, "a"), copies(frame(FRAGMENT, "a"), 60_000)]));
      await assault.held(socket, 60_000);
    });
  },

  "empty fragments in millions": async (assault) => {
    const bytes = copies(frame(FRAGMENT), 20_000);
    await assault.repeat(4, async () => {
      const socket = await assault.enter("empty");
      socket.write(frame(FIRST_FRAGMENT));
      await flood(assault, socket, bytes);
    });
  },

  "ping floods of who reads and who does not": async (assault) => {
    const bytes = copies(frame(PING, "p".repeat(125)), 200);
    await assault.repeat(LANES, async () => {
      const socket = await assault.enter("ping");
      if (assault.attempts % 2 === 0) socket.pause();
      await flood(assault, socket, bytes);
    });
  },

  "message floods": async (assault) => {
    const bytes = copies(frame(TEXT, '{"type":"t","payload":{"a":1}}'), 100);
    await assault.repeat(LANES, async () => {
      await flood(assault, await assault.enter(`chatty-${assault.attempts}`), bytes);
    });
  },

  "huge, deep and poisoned JSON": async (assault) => {
    const texts = [
      "[".repeat(60_000),
      `{"type":"t","payload":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
      `{"type":"t","payload":${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}}`,
      '{"type":"t","payload":{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"x":1}}}}',
      `{"type":"__proto__","payload":${"9".repeat(60_000)}}`,
      `{"type":"${"\\u0000".repeat(1_000)}","payload":1}`,
    ];
    await assault.repeat(LANES, async () => {
      const socket = await assault.enter("__proto__", ["Sec-WebSocket-Protocol: tidings.v1"]);
      for (const text of texts) socket.write(frame(TEXT, text));
      await assault.held(socket, 200);
    });
  },

  "fuzzed frames": async (assault) => {
    await assault.repeat(LANES, async () => {
      const socket = await assault.enter("fuzzer");
      for (let n = 0; n < 20; n += 1) socket.write(randomBytes(1 + (assault.attempts % 300)));
      await assault.held(socket, 200);
    });
  },
};

/** Connections that each hold a message open. */
const HOLDERS = 50;
