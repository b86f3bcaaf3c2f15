import { textOf } from "../channel-name.ts";
import type { RespSession } from "../resp-session.ts";
import { bulk, errorReply, integer, NULL, OK, type Reply } from "../resp-writer.ts";
import { family, type CommandContext, type CommandSpec } from "./command.ts";
import { rename } from "./connection.ts";

/** CLIENT: what a connection says and may ask about itself and its neighbours. */
export const clientCommands: readonly CommandSpec[] = [
  family("client", [
    { name: "id", min: 0, max: 0, run: ({ session }) => integer(session.id) },
    {
      name: "getname",
      min: 0,
      max: 0,
      run: ({ session }) => (session.name === "" ? NULL : bulk(session.name)),
    },
    {
      name: "setname",
      min: 1,
      max: 1,
      run: ({ session }, [name]) => rename(session, name === undefined ? "" : textOf(name)),
    },
    {
      name: "setinfo",
      min: 2,
      max: 2,
      run: ({ session }, [attribute, value]) =>
        setInfo(session, textOf(attribute ?? new Uint8Array(0)), textOf(value ?? new Uint8Array(0))),
    },
    {
      name: "info",
      min: 0,
      max: 0,
      run: (context) => ({ type: "verbatim", text: describe(context, context.session) }),
    },
    {
      name: "list",
      min: 0,
      max: 0,
      run: (context) => ({
        type: "verbatim",
        text: Array.from(context.server.sessions, (session) => describe(context, session)).join(""),
      }),
    },
    { name: "no-evict", min: 1, max: 1, run: (_, [word]) => onOrOff(word) },
    { name: "no-touch", min: 1, max: 1, run: (_, [word]) => onOrOff(word) },
  ]),
];

function setInfo(session: RespSession, attribute: string, value: string): Reply {
  if (!/^[!-~]*$/.test(value)) {
    return errorReply(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  }
  const known = attribute.toLowerCase();
  if (known === "lib-name") session.libraryName = value;
  else if (known === "lib-ver") session.libraryVersion = value;
  else return errorReply(`ERR Unrecognized option '${attribute.slice(0, 128)}'`);
  return OK;
}

/** Nothing is ever evicted or touched here, so either wish is already fulfilled. */
function onOrOff(word: Uint8Array | undefined): Reply {
  const wish = word === undefined ? "" : textOf(word).toLowerCase();
  return wish === "on" || wish === "off" ? OK : errorReply("ERR syntax error");
}

/** One line of CLIENT LIST: Redis's fields, those that mean something here. */
function describe({ server }: CommandContext, session: RespSession): string {
  const now = server.clock.monotonic();
  const fields: Record<string, string | number> = {
    id: session.id,
    addr: session.remoteAddress,
    laddr: session.localAddress,
    name: session.name,
    age: Math.floor((now - session.connectedAt) / 1_000),
    idle: Math.floor((now - session.lastCommandAt) / 1_000),
    flags: session.subscriptionCount > 0 ? "P" : session.transaction === null ? "N" : "x",
    db: session.database,
    sub: session.channelCount,
    psub: session.patternCount,
    multi: session.transaction?.queue.length ?? -1,
    omem: session.output.waitingBytes,
    cmd: session.lastCommand,
    user: "default",
    "lib-name": session.libraryName,
    "lib-ver": session.libraryVersion,
    resp: session.protocol,
  };
  const line = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `${line.join(" ")}\n`;
}
