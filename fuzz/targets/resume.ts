import { parseSince } from "../../packages/protocol/src/offset.ts";
import { frame, opcodes } from "../../tests/wire/support/frames.ts";
import { handshakeFor, readHead, WireClient } from "../../tests/wire/support/wire-client.ts";
import type { Dice } from "../dice.ts";
import type { FuzzTarget } from "../target.ts";

/** Something the relay's frames may be. */
interface Answer {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly payload?: { readonly recovered?: unknown; readonly reason?: unknown };
}

/** From where a client says it resumes: the position is read or refused with a reason, by handshake and by message alike. */
export const resumeTarget: FuzzTarget = {
  name: "resume",
  invent: (dice) =>
    Buffer.from(dice.some(dice.oneIn(5) ? 4 : 2, () => place(dice)).join(dice.oneIn(9) ? ";" : ",")),
  feed: async (input, victim) => {
    const since = Buffer.from(input).toString("utf8");
    const isReadable = parseSince(since) !== null;
    const path = `/ws?user_id=fuzz&since=${encodeURIComponent(since)}`;
    if (path.length < 8_000) {
      using plain = new WireClient(victim.port);
      plain.send(handshakeFor(victim.port, path));
      const { status } = await plain.answered();
      if (status !== (isReadable ? 101 : 400)) throw new Error(`a plain client gets ${status}`);
    }
    const told = path.length < 8_000 ? path : "/ws?user_id=fuzz";
    using client = await WireClient.open(victim.port, told, ["Sec-WebSocket-Protocol: tidings.v1"]);
    const welcome = await answerOf(client, (answer) => answer.type === "tidings.welcome");
    if (told === path) expectReason(welcome, isReadable);
    client.send(frame(opcodes.text, JSON.stringify({ type: "tidings.resume", id: "r", payload: { since } })));
    expectReason(await answerOf(client, (answer) => answer.id === "r"), isReadable);
    // As JSON and raw, with nothing escaped: whatever this is, nobody else may notice.
    client.send(
      frame(
        opcodes.text,
        Buffer.concat([Buffer.from('{"type":"tidings.resume","payload":{"since":"'), input]),
      ),
    );
    const isOver = (): boolean => client.closeCode !== null || client.isEnded;
    await client.until("text that is not JSON is refused", isOver);
    if (readHead(client.bytes) !== null) throw new Error("HTTP behind a handshake");
  },
};

async function answerOf(client: WireClient, isIt: (answer: Answer) => boolean): Promise<Answer> {
  const find = (): Answer | undefined =>
    client.frames
      .filter(({ opcode }) => opcode === opcodes.text)
      .map(({ payload }) => JSON.parse(payload.toString()) as Answer)
      .find(isIt);
  await client.until("the relay answers", () => find() !== undefined || client.isEnded);
  const answer = find();
  if (answer === undefined) throw new Error(`closed with ${String(client.closeCode)} instead of an answer`);
  return answer;
}

function expectReason({ payload }: Answer, isReadable: boolean): void {
  const { recovered, reason } = payload ?? {};
  if (typeof recovered !== "boolean") throw new Error("the answer does not say whether it recovered");
  if (!isReadable && (recovered || reason !== "malformed"))
    throw new Error(`called ${String(reason)}, not malformed`);
  if (isReadable && reason === "malformed") throw new Error("called malformed and is not");
}

function place(dice: Dice): string {
  const epoch = dice.oneIn(4)
    ? Buffer.from(dice.bytes(dice.below(40))).toString("latin1")
    : dice.pick(["e", "A_-9", "x".repeat(32), "x".repeat(33), "", "__proto__", "$", "+", ">", "0-0"]);
  const number = dice.pick([
    "0",
    "1",
    "00",
    "-1",
    "1e400",
    "9007199254740991",
    "9007199254740992",
    "9".repeat(400),
    "1.0",
    "",
  ]);
  if (dice.oneIn(6))
    return dice.pick(["earliest", "Earliest", "*earliest", "$", "*", ".", "\u0000", "x".repeat(200)]);
  return `${dice.oneIn(3) ? "*" : ""}${epoch}.${number}`;
}
