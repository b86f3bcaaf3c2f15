import type { CommandLine } from "../resp-parser.ts";
import type { RespSession } from "../resp-session.ts";
import { array, bulk, integer, NULL } from "../resp-writer.ts";
import { family, type CommandSpec } from "./command.ts";

const MANY = Number.POSITIVE_INFINITY;

/** PUBLISH, the subscriptions, and what PUBSUB tells about them. */
export const pubsubCommands: readonly CommandSpec[] = [
  {
    name: "publish",
    min: 2,
    max: 2,
    run: ({ server }, [channel = new Uint8Array(0), data = new Uint8Array(0)]) =>
      integer(server.channels.publish(channel, data)),
  },
  subscription("subscribe", 1, (session, channels) => {
    for (const channel of channels) {
      session.subscribe(channel);
      confirm(session, "subscribe", channel);
    }
  }),
  subscription("unsubscribe", 0, (session, channels) => {
    for (const channel of orAll(channels, session.channelNames)) {
      if (channel !== null) session.unsubscribe(channel);
      confirm(session, "unsubscribe", channel);
    }
  }),
  subscription("psubscribe", 1, (session, patterns) => {
    for (const pattern of patterns) {
      session.subscribePattern(pattern);
      confirm(session, "psubscribe", pattern);
    }
  }),
  subscription("punsubscribe", 0, (session, patterns) => {
    for (const pattern of orAll(patterns, session.patternNames)) {
      if (pattern !== null) session.unsubscribePattern(pattern);
      confirm(session, "punsubscribe", pattern);
    }
  }),
  family("pubsub", [
    {
      name: "channels",
      min: 0,
      max: 1,
      run: ({ server }, [pattern]) => array(server.channels.channelNames(pattern).map(bulk)),
    },
    {
      name: "numsub",
      min: 0,
      max: MANY,
      run: ({ server }, channels) =>
        array(
          channels.flatMap((channel) => [bulk(channel), integer(server.channels.subscriberCount(channel))]),
        ),
    },
    { name: "numpat", min: 0, max: 0, run: ({ server }) => integer(server.channels.patternCount) },
  ]),
];

/** A subscription answers with one push per channel, so it has no single reply that EXEC could collect. */
function subscription(
  name: string,
  min: number,
  change: (session: RespSession, names: CommandLine) => void,
): CommandSpec {
  return {
    name,
    min,
    max: MANY,
    whileSubscribed: true,
    inTransaction: "refuse",
    run({ session }, names) {
      change(session, names);
      return null;
    },
  };
}

/** Without a name all are meant; without any to leave there is still one answer, with a null. */
function orAll(named: CommandLine, all: CommandLine): readonly (Uint8Array | null)[] {
  if (named.length > 0) return named;
  return all.length > 0 ? all : [null];
}

function confirm(session: RespSession, what: string, name: Uint8Array | null): void {
  const shown = name === null ? NULL : bulk(name);
  session.send({ type: "push", items: [bulk(what), shown, integer(session.subscriptionCount)] });
}
