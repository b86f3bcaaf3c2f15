import { type Setting, settingOf } from "../config/catalog.ts";
import type { Command } from "./command.ts";
import type { Terminal } from "./terminal.ts";

const WIDTH = 100;
const INDENT = 4;

/** The list of commands. */
export function mainHelp(commands: readonly Command[], terminal: Terminal): string {
  const longest = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Brings what workers publish on Redis to the browsers of the people who wait for it.",
    "",
    `${terminal.bold("Usage")}  tidings <command> [flags]`,
    "",
    terminal.bold("Commands"),
    ...commands.map(({ name, summary }) => `  ${name.padEnd(longest)}  ${summary}`),
    "",
    terminal.bold("Examples"),
    "  tidings dev",
    "  tidings serve --redis-url redis://redis.internal:6379",
    "",
    "tidings <command> --help tells a command's flags, tidings --version the version.",
    "Every setting is a flag, else a variable TIDINGS_…, else a key of the file --config tidings.yaml.",
  ].join("\n");
}

/** One command: its flags, grouped as the settings are, and examples. */
export function commandHelp(command: Command, terminal: Terminal): string {
  const own = Object.entries(command.args).map(([name, definition]) => {
    const hint = definition.valueHint === undefined ? "" : ` <${definition.valueHint}>`;
    const form = definition.type === "positional" ? `<${definition.valueHint ?? name}>` : `--${name}${hint}`;
    return entry(form, definition.description ?? "", terminal);
  });
  const settings = command.settings.map(settingOf);
  const groups: string[] = [];
  for (const [index, setting] of settings.entries()) {
    if (setting.group !== settings[index - 1]?.group) groups.push("", terminal.bold(setting.group));
    groups.push(settingEntry(setting, terminal));
  }
  return [
    command.summary,
    "",
    `${terminal.bold("Usage")}  tidings ${command.name} ${command.usage}`.trimEnd(),
    "",
    terminal.bold("Flags"),
    ...own,
    ...groups,
    "",
    terminal.bold("Examples"),
    ...command.examples.map((example) => `  ${example}`),
  ].join("\n");
}

function settingEntry(setting: Setting, terminal: Terminal): string {
  const form = setting.kind === "flag" ? `--[no-]${setting.flag}` : `--${setting.flag} <${setting.kind}>`;
  const initial =
    setting.defaultText === null || setting.defaultText === "" ? "" : ` Default ${setting.defaultText}.`;
  return entry(form.replace("<plain>", "<value>"), `${setting.meaning}${initial}`, terminal);
}

/**
 * The flag on a line of its own, and its sentence below, wrapped: flags are of too many lengths for columns.
 */
function entry(form: string, meaning: string, terminal: Terminal): string {
  const lines = [""];
  for (const word of meaning.replaceAll("`", "").split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length >= WIDTH - INDENT) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return [`  ${form}`, ...lines.map((line) => terminal.dim(" ".repeat(INDENT) + line))].join("\n");
}
