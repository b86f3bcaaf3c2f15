import type { Preset } from "./development.ts";
import { FILE_VARIABLE, type Setting, settingList, VARIABLE_PREFIX } from "./catalog.ts";
import { contradictions, warningsOf } from "./contradictions.ts";
import { capped } from "../log.ts";
import { suggestion } from "./nearest-name.ts";
import { type SettingName, type Settings, settingsSchema, settingTypes } from "./schema.ts";
import type { Source, Sources } from "./sources.ts";
import { readSettingsFile, type SettingsFile } from "./settings-file.ts";

/** What was given by whom. The first of flag, environment, file, preset and the schema's default wins. */
export interface SettingsInput {
  /** Flags without their dashes. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: SettingsFile | undefined;
  /** Defaults in place of the schema's. */
  readonly defaults?: Preset | undefined;
}

/** The settings, or everything that is wrong with them. No message holds a secret. */
export type LoadedSettings =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly sources: Sources;
      /** What may be meant but is rarely wise, a sentence each. */
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly string[] };

interface Given {
  readonly value: unknown;
  readonly source: Source;
}

/** Reads the settings from all four places and tells every problem at once. Never throws. */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const problems: string[] = [];
  const given = new Map<SettingName, Given>();
  // The weakest first: each later place overwrites.
  takeFile(input.file, given, problems);
  takeEnvironment(input.environment, given, problems);
  takeFlags(input.flags, given, problems);

  const presets = input.defaults?.values(new Set(given.keys())) ?? {};
  const values: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  const broken = new Set<SettingName>();
  for (const { name } of settingList) {
    const found = given.get(name);
    sources[name] = found?.source ?? defaultSource(name, presets, input.defaults);
    if (found === undefined && presets[name] !== undefined) {
      values[name] = presets[name];
      continue;
    }
    const read = settingTypes[name].safeParse(found?.value);
    if (read.success) values[name] = read.data;
    else {
      broken.add(name);
      problems.push(`${sources[name].label}: ${read.error.issues[0]?.message ?? "this is not valid"}`);
    }
  }

  // Broken ones stand in with a default here, and no rule that looks at them is asked.
  const settings = { ...defaultSettings(), ...values } as Settings;
  const facts = {
    settings,
    sources: sources as Sources,
    production: input.environment["NODE_ENV"] === "production",
  };
  problems.push(...contradictions(facts, broken));
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, settings, sources: facts.sources, warnings: warningsOf(facts) };
}

/** The settings when nobody sets anything. */
export function defaultSettings(): Settings {
  return settingsSchema.parse({});
}

function defaultSource(name: SettingName, presets: Partial<Settings>, preset: Preset | undefined): Source {
  return preset !== undefined && presets[name] !== undefined
    ? { from: "preset", label: `${name}, by default of ${preset.title}` }
    : { from: "default", label: `${name}, by default` };
}

function finder(form: (setting: Setting) => string): (written: string) => Setting | undefined {
  const byForm = new Map(settingList.map((setting) => [form(setting), setting]));
  return (written) => byForm.get(written);
}

const byFlag = finder((setting) => setting.flag);
const byVariable = finder((setting) => setting.variable);
const byKey = finder((setting) => setting.name);

function takeFlags(flags: SettingsInput["flags"], given: Map<SettingName, Given>, problems: string[]): void {
  for (const [flag, value] of Object.entries(flags)) {
    const setting = byFlag(flag);
    if (setting !== undefined)
      given.set(setting.name, { value, source: { from: "flag", label: `--${flag}` } });
    else
      problems.push(
        unknownSetting(
          `--${flag}`,
          settingList.map((known) => `--${known.flag}`),
        ),
      );
  }
}

function takeEnvironment(
  environment: SettingsInput["environment"],
  given: Map<SettingName, Given>,
  problems: string[],
): void {
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(VARIABLE_PREFIX) || variable === FILE_VARIABLE) continue;
    const setting = byVariable(variable);
    if (setting === undefined) {
      problems.push(
        unknownSetting(
          variable,
          settingList.map((known) => known.variable),
        ),
      );
    } else if (value !== undefined && value !== "") {
      given.set(setting.name, { value, source: { from: "environment", label: variable } });
    }
  }
}

function takeFile(file: SettingsFile | undefined, given: Map<SettingName, Given>, problems: string[]): void {
  if (file === undefined) return;
  const read = readSettingsFile(file);
  if (!read.ok) {
    problems.push(...read.problems);
    return;
  }
  for (const { key, value, line } of read.entries) {
    const place = ` in ${file.path}${line === null ? "" : ` line ${line}`}`;
    const setting = byKey(key);
    if (setting === undefined)
      problems.push(
        unknownSetting(
          key,
          settingList.map(({ name }) => name),
          place,
        ),
      );
    else if (value !== null && value !== "") {
      given.set(setting.name, { value, source: { from: "file", label: key + place } });
    }
  }
}

function unknownSetting(written: string, known: readonly string[], place = ""): string {
  return `unknown setting ${capped(written, 64)}${place}${suggestion(written, known)}`;
}
