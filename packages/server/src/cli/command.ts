import { type ArgsDef, type ParsedArgs, parseArgs } from "citty";
import type { Preset } from "../config/development.ts";
import type { LoadedSettings } from "../config/load.ts";
import { type SettingName, settingGroups } from "../config/schema.ts";
import { sortArguments } from "./arguments.ts";
import { readSettings } from "./read-settings.ts";
import type { Terminal } from "./terminal.ts";

/** The settings and all that is told about them. */
export type ReadSettings = Extract<LoadedSettings, { ok: true }>;

/** What a command works with. */
export interface CommandInput<Args> {
  readonly args: Args;
  /** Every value of an argument that may stand more than once. */
  readonly all: (name: string) => readonly string[];
  /**
   * Reads the settings from flags, environment and file.
   * @throws {SettingsProblems}
   */
  readonly settings: (preset?: Preset) => ReadSettings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
}

/** A command as its file describes it. */
interface CommandDescription<Args extends ArgsDef> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name: `[flags] [<update> | -]`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly args: Args;
  /** The settings that can be given as flags; all of them count in environment and file. */
  readonly settings: readonly SettingName[];
  /**
   * Does it, and resolves with the exit status.
   * @throws {UsageError | SettingsProblems | CommandFailure}
   */
  readonly run: (input: CommandInput<ParsedArgs<Args>>) => Promise<number>;
}

/** A command of `tidings`. */
export interface Command extends Omit<CommandDescription<ArgsDef>, "run"> {
  run(
    raw: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
    terminal: Terminal,
  ): Promise<number>;
}

/** Every setting's name, for commands that take all of them. */
export const allSettings: readonly SettingName[] = settingGroups.flatMap(({ names }) => names);

/** Taken by every command. */
const fileArgument = {
  config: { type: "string", valueHint: "tidings.yaml", description: "File of settings (or TIDINGS_CONFIG)." },
} satisfies ArgsDef;

/** Makes a command whose own arguments are typed. */
export function command<const Args extends ArgsDef>(description: CommandDescription<Args>): Command {
  const args: ArgsDef = { ...description.args, ...fileArgument };
  return {
    ...description,
    args,
    async run(raw, environment, terminal) {
      const sorted = sortArguments(raw, { args, settings: description.settings });
      const parsed = parseArgs<Args>([...sorted.own], args);
      return description.run({
        args: parsed,
        all: (name) => sorted.all.get(name) ?? [],
        settings: (preset) => {
          const path = sorted.all.get("config")?.at(-1) ?? environment["TIDINGS_CONFIG"];
          return readSettings({ flags: sorted.settings, environment, path, preset });
        },
        environment,
        terminal,
      });
    },
  };
}
