import { WireClient } from "../../tests/wire/support/wire-client.ts";
import type { Dice } from "../dice.ts";
import { inPieces } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

/** How long a connection that owes no answer is watched, in milliseconds. */
const WATCH_MS = 5;

const words: readonly [string, ...(readonly string[])] = [
  "PING",
  "HELLO",
  "AUTH",
  "ECHO",
  "SELECT",
  "CLIENT",
  "COMMAND",
  "INFO",
  "SUBSCRIBE",
  "PSUBSCRIBE",
  "UNSUBSCRIBE",
  "PUBSUB",
  "PUBLISH",
  "MULTI",
  "EXEC",
  "DISCARD",
  "RESET",
  "FCALL",
  "FUNCTION",
  "CONFIG",
  "GET / HTTP/1.1",
  "2",
  "3",
  "-1",
  "SETNAME",
  "LIST",
  "KILL",
  "u*[^a-z]?\\",
  "fuzz",
  "tidings_publish",
  "tidings:{fuzz}:log",
  '{"target_user_id":"fuzz","type":"t","payload":1,"id":"a","seq":1,"producer":"p"}',
  '{"target_user_id":"fuzz"',
  "",
];

/** The embedded broker's port: replies of the Redis protocol to whatever comes, or the end of that connection alone. */
export const redisPortTarget: FuzzTarget = {
  name: "redis-port",
  invent: (dice) => Buffer.concat(dice.some(5, () => command(dice))),
  feed: async (input, victim, dice) => {
    using client = new WireClient(victim.redisPort);
    await client.connected();
    await client.sendApart(inPieces(input, dice));
    await client.within(WATCH_MS, () => client.isEnded);
    const first = client.bytes.subarray(0, 1).toString("latin1");
    if (!"+-:$*_#,(%~>!=".includes(first)) throw new Error(`not a reply of the Redis protocol: ${first}`);
    using other = new WireClient(victim.redisPort);
    other.send("PING\r\n");
    await other.until("somebody else's PING is answered", () => other.bytes.includes("+PONG"));
  },
};

function command(dice: Dice): Uint8Array {
  const parts = dice.some(6, () =>
    dice.oneIn(8) ? dice.bytes(dice.below(40)) : Buffer.from(dice.pick(words)),
  );
  if (dice.oneIn(6))
    return Buffer.concat([
      ...parts.map((part) => Buffer.concat([part, Buffer.from(" ")])),
      Buffer.from("\r\n"),
    ]);
  const count = dice.oneIn(15)
    ? dice.pick(["-1", "0", "99999999999", "1048577", "x", ""])
    : String(parts.length);
  const bulks = parts.map((part) => {
    const length = dice.oneIn(25)
      ? dice.pick(["-1", "536870913", "99999999999999999999", "1", "+1", "01"])
      : part.length;
    return Buffer.concat([Buffer.from(`$${length}\r\n`), part, Buffer.from("\r\n")]);
  });
  return Buffer.concat([Buffer.from(`*${count}\r\n`), ...bulks]);
}
