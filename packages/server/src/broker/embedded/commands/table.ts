import { clientCommands } from "./client.ts";
import type { CommandSpec } from "./command.ts";
import { connectionCommands } from "./connection.ts";
import { functionCommands } from "./functions.ts";
import { pubsubCommands } from "./pubsub.ts";
import { serverCommands } from "./server.ts";
import { transactionCommands } from "./transactions.ts";

/** A command by its name in lower case. */
export type CommandTable = ReadonlyMap<string, CommandSpec>;

/** Everything that the loopback port understands: one file per family, one line here. */
export const COMMANDS: CommandTable = new Map(
  [connectionCommands, clientCommands, serverCommands, pubsubCommands, functionCommands, transactionCommands]
    .flat()
    .map((spec) => [spec.name, spec]),
);
