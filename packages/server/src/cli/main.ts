#!/usr/bin/env bun
import { suggestion } from "../config/nearest-name.ts";
import { capped } from "../log.ts";
import type { Command } from "./command.ts";
import { configCommand } from "./config.ts";
import { devCommand } from "./dev.ts";
import { doctorCommand } from "./doctor.ts";
import { CommandFailure, SettingsProblems, UsageError } from "./failure.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { libraryCommand } from "./library.ts";
import { publishCommand } from "./publish.ts";
import { serveCommand } from "./serve.ts";
import { tailCommand } from "./tail.ts";
import { processTerminal, type Terminal } from "./terminal.ts";
import { tokenCommand } from "./token.ts";
import { version } from "./version.ts";
import { workerCommand } from "./worker.ts";

const commands: readonly Command[] = [
  serveCommand,
  devCommand,
  publishCommand,
  tailCommand,
  tokenCommand,
  configCommand,
  doctorCommand,
  libraryCommand,
];

/** Started by a program and not told to people. */
const hiddenCommands: readonly Command[] = [workerCommand];

const helpWords: ReadonlySet<string> = new Set(["--help", "-h"]);

/**
 * Runs one command line and resolves with the exit status: 0 done, 1 could not be done, 2 asked for wrongly.
 */
async function runCommandLine(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...rest] = words;
  if (first === "--version" || first === "-v") {
    terminal.out(version);
    return 0;
  }
  const asked = first === "help" ? rest[0] : first;
  const command = [...commands, ...hiddenCommands].find(({ name }) => name === asked);
  if (first === undefined || helpWords.has(first) || asked === undefined) {
    terminal.out(mainHelp(commands, terminal));
    return first === undefined ? 2 : 0;
  }
  if (command === undefined) {
    const names = commands.map(({ name }) => name);
    throw new UsageError(`unknown command ${capped(asked, 64)}${suggestion(asked, names)}`);
  }
  if (first === "help" || beforeDashes(rest).some((word) => helpWords.has(word))) {
    terminal.out(commandHelp(command, terminal));
    return 0;
  }
  return command.run(rest, process.env, terminal);
}

/** What stands before a `--`, behind which everything is meant literally. */
function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf("--");
  return dashes === -1 ? words : words.slice(0, dashes);
}

function explain(error: unknown, terminal: Terminal): number {
  const say = (line: string): void => terminal.err(`tidings: ${line}`);
  if (error instanceof SettingsProblems) {
    for (const problem of error.problems) say(problem);
    return 2;
  }
  if (error instanceof UsageError) {
    say(error.message);
    say("see tidings --help");
    return 2;
  }
  say(
    error instanceof CommandFailure
      ? error.message
      : error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
  );
  return 1;
}

const terminal = processTerminal(process.env);
const status = await runCommandLine(process.argv.slice(2), terminal).catch((error: unknown) =>
  explain(error, terminal),
);
process.exit(status);
