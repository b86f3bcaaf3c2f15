import { closeCodes } from "../../packages/protocol/src/close-codes.ts";
import { closeBody, frame, type FrameOptions, opcodes } from "../../tests/wire/support/frames.ts";
import { WireClient } from "../../tests/wire/support/wire-client.ts";
import { eventually } from "../../tests/support/eventually.ts";
import type { Dice } from "../dice.ts";
import { judge } from "../frame-model.ts";
import { inPieces } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";
import { total, type Victim } from "../victim.ts";

/** The limits of the echo endpoint, and of the relay with its margin. */
const [ECHO_BYTES, RELAY_BYTES] = [32 * 1_048_576, 131_072];

/** How long a connection that may stay open is watched, in milliseconds. */
const WATCH_MS = 10;

const ownCodes: ReadonlySet<number> = new Set(Object.values(closeCodes).map(({ code }) => code));

/** Frames: the echo endpoint does exactly what a second reading of RFC 6455 says, and the relay whatever it may. */
export const framesTarget: FuzzTarget = {
  name: "frames",
  invent: (dice) => Buffer.concat(dice.some(6, () => inventFrame(dice))),
  feed: async (input, victim, dice) => {
    await feedEcho(input, victim, dice);
    await feedRelay(input, victim, dice);
  },
  settle: async (victim) => {
    await eventually("every connection that was let in is open or was counted as ended", async () => {
      const figures = await victim.figures();
      const accepted = figures.get('tidings_handshakes_total{result="accepted"}') ?? 0;
      // A Tidings client whose token was refused is upgraded to be told so: it ends without having been let in.
      const told = figures.get('tidings_handshakes_total{result="token_refused"}') ?? 0;
      const known = total(figures, "tidings_connections") + total(figures, "tidings_closes_total");
      return known >= accepted && known <= accepted + told;
    });
  },
};

function inventFrame(dice: Dice): Uint8Array {
  const opcode = dice.oneIn(8) ? dice.below(16) : dice.pick([1, 1, 1, 2, 0, 0, 8, 9, 10]);
  const options: FrameOptions = {
    fin: opcode >= 8 ? !dice.oneIn(10) : !dice.oneIn(3),
    rsv: dice.oneIn(15) ? dice.below(8) : 0,
    mask: dice.oneIn(25) ? null : [dice.below(256), dice.below(256), dice.below(256), dice.below(256)],
    ...(dice.oneIn(15) ? { lengthBits: 64 as const } : {}),
    ...(dice.oneIn(25) ? { says: 1n << BigInt(dice.below(64)), lengthBits: 64 as const } : {}),
  };
  return frame(opcode, inventPayload(dice, opcode), options);
}

function inventPayload(dice: Dice, opcode: number): Uint8Array {
  if (opcode === opcodes.close) {
    const code = dice.oneIn(2) ? dice.below(6_000) : dice.pick([1000, 1001, 1005, 1006, 3000, 4999]);
    return dice.oneIn(8)
      ? dice.bytes(dice.below(3))
      : closeBody(code, dice.bytes(dice.below(2) * dice.below(124)));
  }
  if (opcode > 8) return dice.bytes(dice.below(dice.oneIn(15) ? 300 : 126));
  const text = dice.pick([
    '{"type":"a"}',
    '{"type":"tidings.ping","id":"p"}',
    '{"type":"tidings.resume","payload":{"since":"earliest"}}',
    '{"type":"tidings.token","payload":{"token":"x"}}',
    '{"type":"a","payload":{"__proto__":[]},"id":"é𝄞"}',
    "[".repeat(1 + dice.below(2_000)),
    "",
  ]);
  return dice.oneIn(3) ? dice.bytes(dice.below(200)) : Buffer.from(text);
}

async function feedEcho(input: Uint8Array, victim: Victim, dice: Dice): Promise<void> {
  using client = await WireClient.open(victim.echoPort, "/");
  const { codes, isWhole } = judge(input, ECHO_BYTES);
  await client.sendApart(inPieces(input, dice));
  if (!codes.includes(null)) await client.ended();
  else if (isWhole) {
    client.send(frame(opcodes.ping, "sync"));
    const isSync = (): boolean => client.frames.some(({ payload }) => payload.equals(Buffer.from("sync")));
    await client.until("the connection lives", () => isSync() || client.isEnded);
  } else await client.within(WATCH_MS, () => client.isEnded);
  if (!codes.includes(client.closeCode)) {
    throw new Error(
      `the echo closed with ${String(client.closeCode)}, where RFC 6455 has ${codes.join(" or ")}`,
    );
  }
}

async function feedRelay(input: Uint8Array, victim: Victim, dice: Dice): Promise<void> {
  const protocol = dice.oneIn(2) ? ["Sec-WebSocket-Protocol: tidings.v1"] : [];
  using client = await WireClient.open(victim.port, "/ws?user_id=m", protocol);
  const { codes, messages } = judge(input, RELAY_BYTES);
  await client.sendApart(inPieces(input, dice));
  const mustEnd = messages === 0 && !codes.includes(null);
  if (mustEnd) await client.ended();
  else await client.within(WATCH_MS, () => client.isEnded);
  const code = client.closeCode;
  const isAllowed = codes.includes(code) || (messages > 0 && (code === null || ownCodes.has(code)));
  if (!isAllowed)
    throw new Error(`the relay closed with ${String(code)}, where RFC 6455 has ${codes.join(" or ")}`);
}
