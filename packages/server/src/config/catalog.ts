import { z } from "zod";
import { formatBytes, formatDuration } from "./quantities.ts";
import { type SettingName, settingGroups, type Settings, settingTypes } from "./schema.ts";
import { type Unit, unitOf } from "./units.ts";

/** One setting as people meet it: its three forms, its rule, its default and its sentence. */
export interface Setting {
  readonly name: SettingName;
  readonly group: string;
  /** The variable of the environment: `TIDINGS_PORT`. */
  readonly variable: string;
  /** The flag without its dashes: `max-update-bytes`. */
  readonly flag: string;
  readonly kind: Unit["kind"];
  readonly rule: string;
  /** The default as it would be written; null where the setting has none. */
  readonly defaultText: string | null;
  readonly meaning: string;
}

/** What every variable of the relay begins with. */
export const VARIABLE_PREFIX = "TIDINGS_";

/** The file's own variable: it names the file, so it cannot stand in it. */
export const FILE_VARIABLE = "TIDINGS_CONFIG";

/** Every setting, in the order in which people read them. */
export const settingList: readonly Setting[] = settingGroups.flatMap(({ title, names }) =>
  names.map((name) => describeSetting(name, title)),
);

const byName: ReadonlyMap<string, Setting> = new Map(settingList.map((setting) => [setting.name, setting]));

/** The setting of that key. */
export function settingOf(name: SettingName): Setting {
  const setting = byName.get(name);
  if (setting === undefined) throw new TypeError(`${name} is not a setting`);
  return setting;
}

function describeSetting(name: SettingName, group: string): Setting {
  const type = settingTypes[name];
  const { kind, rule } = unitOf(type);
  const initial = type instanceof z.ZodDefault ? (type.def.defaultValue as ShownValue) : undefined;
  return {
    name,
    group,
    variable: VARIABLE_PREFIX + name.toUpperCase(),
    flag: name.replaceAll("_", "-"),
    kind,
    rule,
    defaultText: initial === undefined ? null : String(shownAs(kind, initial)),
    meaning: type.description ?? "",
  };
}

/** A value as it may be shown and as the file takes it: `"25s"`, `8080`, `["https://a.example"]`. */
export type ShownValue = string | number | boolean | readonly string[];

/** A value with its unit, secrets and passwords masked; null where it is unset. */
export function shownValue(name: SettingName, value: Settings[SettingName]): ShownValue | null {
  return value === undefined ? null : shownAs(settingOf(name).kind, value);
}

function shownAs(kind: Unit["kind"], value: ShownValue): ShownValue {
  if (kind === "secret") return MASK;
  if (kind === "url") return maskedUrl(String(value));
  if (kind === "urls" && typeof value === "object") return value.map(maskedUrl);
  if (kind === "bytes") return formatBytes(Number(value));
  return kind === "duration" ? formatDuration(Number(value)) : value;
}

/**
 * The effective settings as anyone may see them: secrets and passwords masked, quantities with their units.
 */
export function maskedSettings(settings: Settings): Readonly<Record<SettingName, ShownValue | null>> {
  const shown = settingList.map(({ name }) => [name, shownValue(name, settings[name])] as const);
  return Object.fromEntries(shown) as Record<SettingName, ShownValue | null>;
}

/** What stands in place of a secret. */
const MASK = "********";

/** An address without its password, and without a query, where keys travel too. */
export function maskedUrl(address: string): string {
  if (!URL.canParse(address)) return MASK;
  const url = new URL(address);
  const user = url.password === "" ? url.username : `${url.username}:${MASK}`;
  const query = url.search === "" ? "" : `?${MASK}`;
  return `${url.protocol}//${user === "" ? "" : `${user}@`}${url.host}${url.pathname}${query}`;
}
