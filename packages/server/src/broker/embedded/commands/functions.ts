import { textOf } from "../channel-name.ts";
import { compileGlob } from "../glob.ts";
import type { LogPublisher } from "../log-publisher.ts";
import type { CommandLine } from "../resp-parser.ts";
import { array, bulk, errorReply, NULL, type Reply } from "../resp-writer.ts";
import { type CommandSpec, family, type ServerView } from "./command.ts";

const MANY = Number.POSITIVE_INFINITY;
const LIBRARY = "tidings";
const PUBLISH = "tidings_publish";
const CODE =
  "#!lua name=tidings\n-- Built into the embedded broker of tidings dev; a real Redis gets it from the relay.\n";
const USAGE = errorReply(`ERR tidings: usage: FCALL ${PUBLISH} 1 tidings:{USER}:log UPDATE`);
const HISTORY_OFF = errorReply(
  "ERR tidings: history_off: this relay keeps no history; turn it on with TIDINGS_HISTORY=true",
);

/** FCALL and what is told about functions: of the library that the relay loads into Redis, the one for workers. */
export const functionCommands: readonly CommandSpec[] = [
  { name: "fcall", min: 2, max: MANY, run: ({ server }, line) => call(server, line) },
  {
    name: "fcall_ro",
    min: 2,
    max: MANY,
    run: (_, line) =>
      keysFault(line) ?? errorReply("ERR Can not execute a script with write flag using *_ro command."),
  },
  family("function", [{ name: "list", min: 0, max: MANY, run: ({ server }, line) => list(server, line) }]),
];

/** `FCALL function numkeys key… argument…`. */
function call({ publisher }: ServerView, line: CommandLine): Reply {
  const fault = keysFault(line);
  if (fault !== null) return fault;
  if (publisher === null) return HISTORY_OFF;
  const [, count, key, update] = line;
  if (count === undefined || key === undefined || update === undefined) return USAGE;
  return textOf(count) === "1" && line.length === 4 ? publish(publisher, key, update) : USAGE;
}

/** What Redis finds wrong before it runs a function, in its order, or null. */
function keysFault([name, count, ...rest]: CommandLine): Reply | null {
  // Functions are found whatever the case of their letters.
  if (name === undefined || textOf(name).toLowerCase() !== PUBLISH)
    return errorReply("ERR Function not found");
  const digits = count === undefined ? "" : textOf(count);
  if (!/^(?:0|-?[1-9][0-9]{0,17})$/.test(digits)) return errorReply("ERR Bad number of keys provided");
  const keys = Number(digits);
  if (keys > rest.length) return errorReply("ERR Number of keys can't be greater than number of args");
  return keys < 0 ? errorReply("ERR Number of keys can't be negative") : null;
}

function publish(publisher: LogPublisher, key: Uint8Array, update: Uint8Array): Reply {
  const outcome = publisher.publish(key, update);
  if ("fault" in outcome) return errorReply(`ERR tidings: ${outcome.fault}: ${outcome.sentence}`);
  return bulk(`${outcome.epoch}.${outcome.n}`);
}

/** `FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]`, each at most once. */
function list({ publisher }: ServerView, words: CommandLine): Reply {
  let pattern: Uint8Array | null = null;
  let withCode = false;
  for (let at = 0; at < words.length; at += 1) {
    const word = textOf(words[at] ?? new Uint8Array(0));
    const option = word.toLowerCase();
    if (option === "withcode" && !withCode) {
      withCode = true;
    } else if (option === "libraryname" && pattern === null) {
      at += 1;
      pattern = words[at] ?? null;
      if (pattern === null) return errorReply("ERR library name argument was not given");
    } else {
      return errorReply(`ERR Unknown argument ${word.slice(0, 128)}`);
    }
  }
  const isWanted = pattern === null || compileGlob(pattern)(Buffer.from(LIBRARY));
  return array(publisher !== null && isWanted ? [library(withCode)] : []);
}

function library(withCode: boolean): Reply {
  const described: Reply = {
    type: "map",
    entries: [
      [bulk("name"), bulk(PUBLISH)],
      [bulk("description"), NULL],
      [bulk("flags"), { type: "set", items: [] }],
    ],
  };
  const entries: (readonly [Reply, Reply])[] = [
    [bulk("library_name"), bulk(LIBRARY)],
    [bulk("engine"), bulk("LUA")],
    [bulk("functions"), array([described])],
  ];
  if (withCode) entries.push([bulk("library_code"), bulk(CODE)]);
  return { type: "map", entries };
}
