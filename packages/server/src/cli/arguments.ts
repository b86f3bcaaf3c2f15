import type { ArgsDef } from "citty";
import { settingOf } from "../config/catalog.ts";
import { suggestion } from "../config/nearest-name.ts";
import type { SettingName } from "../config/schema.ts";
import { capped } from "../log.ts";
import { UsageError } from "./failure.ts";

/** What a command takes. */
export interface Accepts {
  readonly args: ArgsDef;
  readonly settings: readonly SettingName[];
}

/** A command line, sorted. */
export interface SortedArguments {
  /** The command's own arguments, each as `--name=value`, positional ones behind `--`. */
  readonly own: readonly string[];
  /** The settings' flags without their dashes. The last of equal ones wins, as everywhere. */
  readonly settings: Readonly<Record<string, string>>;
  /** Every value of each of the command's own arguments, in order. */
  readonly all: ReadonlyMap<string, readonly string[]>;
}

type Kind = "own" | "own-switch" | "setting" | "setting-switch";

const switchWords = /^(?:true|false|on|off|yes|no|0|1)$/i;

/**
 * Sorts a command line and refuses what the command does not take. citty, which types the command's own
 * arguments, accepts unknown flags and flags without their value in silence.
 * @throws {UsageError} that names the argument and, where one is near, the name that was probably meant.
 */
export function sortArguments(raw: readonly string[], accepts: Accepts): SortedArguments {
  const kinds = kindsOf(accepts);
  const settings: Record<string, string> = {};
  const all = new Map<string, string[]>();
  const positional: string[] = [];
  const rest = [...raw];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      positional.push(...rest.splice(0));
    } else if (word === "-" || !word.startsWith("-")) {
      positional.push(word);
    } else {
      const { name, kind, value } = readFlag(word, rest, kinds);
      if (kind === "setting" || kind === "setting-switch") settings[name] = value;
      else all.set(name, [...(all.get(name) ?? []), value]);
    }
  }
  refuseSurplus(positional, accepts.args);
  const own = [...all].map(([name, values]) => `--${name}=${values.at(-1) ?? ""}`);
  return { own: [...own, "--", ...positional], settings, all };
}

function kindsOf({ args, settings }: Accepts): ReadonlyMap<string, Kind> {
  const kinds = new Map<string, Kind>();
  for (const name of settings) {
    const { flag, kind } = settingOf(name);
    kinds.set(flag, kind === "flag" ? "setting-switch" : "setting");
  }
  for (const [name, { type }] of Object.entries(args)) {
    if (type !== "positional") kinds.set(name, type === "boolean" ? "own-switch" : "own");
  }
  return kinds;
}

function readFlag(
  word: string,
  rest: string[],
  kinds: ReadonlyMap<string, Kind>,
): { readonly name: string; readonly kind: Kind; readonly value: string } {
  const equals = word.indexOf("=");
  const written = equals === -1 ? word : word.slice(0, equals);
  const attached = equals === -1 ? null : word.slice(equals + 1);
  const name = written.replace(/^--/, "");
  const kind = written.startsWith("--") ? kinds.get(name) : undefined;
  if (kind === undefined) return readNegation(written, attached, kinds);
  if (attached !== null) return { name, kind, value: attached };
  if (kind === "own" || kind === "setting") {
    const value = rest.shift();
    if (value === undefined || (value.startsWith("--") && value.length > 2)) {
      throw new UsageError(`--${name} needs a value: --${name} <value>`);
    }
    return { name, kind, value };
  }
  const follows = kind === "setting-switch" && switchWords.test(rest[0] ?? "");
  return { name, kind, value: follows ? (rest.shift() ?? "") : "true" };
}

/** `--no-inbound` is `--inbound=false`; whatever else is unknown is refused. */
function readNegation(
  written: string,
  attached: string | null,
  kinds: ReadonlyMap<string, Kind>,
): { readonly name: string; readonly kind: Kind; readonly value: string } {
  const name = written.replace(/^--no-/, "");
  const kind = written.startsWith("--no-") ? kinds.get(name) : undefined;
  if (kind === "setting-switch" && attached === null) return { name, kind, value: "false" };
  const known = [...kinds.keys()].map((flag) => `--${flag}`);
  throw new UsageError(`unknown flag ${capped(written, 64)}${suggestion(written, [...known, "--help"])}`);
}

function refuseSurplus(positional: readonly string[], args: ArgsDef): void {
  const places = Object.values(args).filter(({ type }) => type === "positional").length;
  const surplus = positional[places];
  if (surplus !== undefined)
    throw new UsageError(`unexpected argument ${JSON.stringify(capped(surplus, 64))}`);
}
