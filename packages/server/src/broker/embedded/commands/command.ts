import type { Clock } from "../../../clock.ts";
import { textOf } from "../channel-name.ts";
import type { ChannelRegistry } from "../channels.ts";
import type { LogPublisher } from "../log-publisher.ts";
import type { CommandLine } from "../resp-parser.ts";
import type { RespSession } from "../resp-session.ts";
import { errorReply, type Reply } from "../resp-writer.ts";

/** What commands may know about the server they run on. */
export interface ServerView {
  readonly port: number;
  readonly channels: ChannelRegistry;
  /** Stores what FCALL brings; null with history off. */
  readonly publisher: LogPublisher | null;
  readonly clock: Clock;
  /** Monotonic time of the server's start, in milliseconds. */
  readonly startedAt: number;
  readonly commandCount: number;
  readonly sessions: Iterable<RespSession>;
}

/** Where a command runs. */
export interface CommandContext {
  readonly session: RespSession;
  readonly server: ServerView;
}

/** One command of the loopback port. */
export interface CommandSpec {
  /** In lower case. */
  readonly name: string;
  /** Fewest arguments after the name. */
  readonly min: number;
  /** Most arguments after the name; `Infinity` where there is no end. */
  readonly max: number;
  /** Whether a protocol-2 connection may say it while it is subscribed. */
  readonly whileSubscribed?: boolean;
  /** What MULTI does with it: queue it (unless told otherwise), run it at once, or refuse it. */
  readonly inTransaction?: "run" | "refuse";
  /**
   * Runs it. `arguments_` come without the name and fit `min` and `max`. Null where it answered by itself.
   */
  run(context: CommandContext, arguments_: CommandLine): Reply | null;
}

/** Commands of one family, found by their second word: `CLIENT GETNAME`. */
export type Subcommands = readonly Omit<CommandSpec, "whileSubscribed" | "inTransaction">[];

const DEVELOPMENT_ONLY = "it is for development: point TIDINGS_REDIS_URL at a real Redis";

/** The answer to what only a real Redis can do. */
export function notHere(what: string): Reply {
  const name = what.slice(0, 128);
  return errorReply(`ERR the embedded broker of tidings dev does not have '${name}'; ${DEVELOPMENT_ONLY}`);
}

/** Redis's answer to too few or too many arguments; a subcommand's name is `client|setname`. */
export function wrongArity(name: string): Reply {
  return errorReply(`ERR wrong number of arguments for '${name}' command`);
}

/** Makes one command of a family. */
export function family(name: string, subcommands: Subcommands): CommandSpec {
  const byName = new Map(subcommands.map((subcommand) => [subcommand.name, subcommand]));
  return {
    name,
    min: 1,
    max: Number.POSITIVE_INFINITY,
    run(context, [word = new Uint8Array(0), ...rest]) {
      const spoken = textOf(word);
      const subcommand = byName.get(spoken.toLowerCase());
      if (subcommand === undefined) return notHere(`${name.toUpperCase()} ${spoken}`);
      if (rest.length < subcommand.min || rest.length > subcommand.max) {
        return wrongArity(`${name}|${subcommand.name}`);
      }
      return subcommand.run(context, rest);
    },
  };
}
