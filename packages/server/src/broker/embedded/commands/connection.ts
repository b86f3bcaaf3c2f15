import { textOf } from "../channel-name.ts";
import type { CommandLine } from "../resp-parser.ts";
import type { RespSession } from "../resp-session.ts";
import { array, bulk, errorReply, integer, OK, type Reply } from "../resp-writer.ts";
import type { CommandSpec } from "./command.ts";
import { COMPATIBLE_REDIS_VERSION } from "./version.ts";

const DATABASES = 16;
const BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";

/** What opens, checks and ends a connection. There are no accounts: every user and password is believed. */
export const connectionCommands: readonly CommandSpec[] = [
  {
    name: "hello",
    min: 0,
    max: Number.POSITIVE_INFINITY,
    run: ({ session }, options) => hello(session, options),
  },
  { name: "auth", min: 1, max: 2, run: () => OK },
  {
    name: "ping",
    min: 0,
    max: 1,
    whileSubscribed: true,
    run({ session }, [message]) {
      if (session.protocol === 2 && session.subscriptionCount > 0) {
        return array([bulk("pong"), bulk(message ?? "")]);
      }
      return message === undefined ? { type: "simple", text: "PONG" } : bulk(message);
    },
  },
  { name: "echo", min: 1, max: 1, run: (_, [message = new Uint8Array(0)]) => bulk(message) },
  { name: "select", min: 1, max: 1, run: ({ session }, [index]) => select(session, index) },
  {
    name: "quit",
    min: 0,
    max: Number.POSITIVE_INFINITY,
    whileSubscribed: true,
    inTransaction: "run",
    run({ session }) {
      session.send(OK);
      session.output.end();
      return null;
    },
  },
  {
    name: "reset",
    min: 0,
    max: 0,
    whileSubscribed: true,
    inTransaction: "run",
    run({ session }) {
      session.reset();
      return { type: "simple", text: "RESET" };
    },
  },
];

/** Gives the connection a name, or says why not; an empty one takes its name away. */
export function rename(session: RespSession, name: string): Reply {
  if (!/^[!-~]*$/.test(name)) return errorReply(BAD_NAME);
  session.name = name;
  return OK;
}

/** `HELLO [version [AUTH user password] [SETNAME name]]`: nothing changes unless all of it can. */
function hello(session: RespSession, [version, ...options]: CommandLine): Reply {
  const protocol = version === undefined ? String(session.protocol) : textOf(version);
  if (!/^-?[0-9]{1,15}$/.test(protocol)) {
    return errorReply("ERR Protocol version is not an integer or out of range");
  }
  if (protocol !== "2" && protocol !== "3") return errorReply("NOPROTO unsupported protocol version");
  let name: string | null = null;
  for (let at = 0; at < options.length;) {
    const option = textOf(options[at] ?? new Uint8Array(0));
    const left = options.length - at - 1;
    if (option.toLowerCase() === "auth" && left >= 2) {
      at += 3;
    } else if (option.toLowerCase() === "setname" && left >= 1) {
      name = textOf(options[at + 1] ?? new Uint8Array(0));
      at += 2;
    } else {
      return errorReply(`ERR Syntax error in HELLO option '${option.slice(0, 128)}'`);
    }
  }
  const renamed = name === null ? OK : rename(session, name);
  if (renamed.type === "error") return renamed;
  session.protocol = protocol === "3" ? 3 : 2;
  return greeting(session);
}

function greeting(session: RespSession): Reply {
  return {
    type: "map",
    entries: [
      [bulk("server"), bulk("redis")],
      [bulk("version"), bulk(COMPATIBLE_REDIS_VERSION)],
      [bulk("proto"), integer(session.protocol)],
      [bulk("id"), integer(session.id)],
      [bulk("mode"), bulk("standalone")],
      [bulk("role"), bulk("master")],
      [bulk("modules"), array([])],
    ],
  };
}

/** Channels are not divided by database, in Redis neither; the number is only remembered. */
function select(session: RespSession, index: Uint8Array | undefined): Reply {
  const text = index === undefined ? "" : textOf(index);
  if (!/^-?[0-9]{1,9}$/.test(text)) return errorReply("ERR value is not an integer or out of range");
  const database = Number(text);
  if (database < 0 || database >= DATABASES) return errorReply("ERR DB index is out of range");
  session.database = database;
  return OK;
}
