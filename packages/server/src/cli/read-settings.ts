import { readFileSync } from "node:fs";
import type { Preset } from "../config/development.ts";
import { type LoadedSettings, loadSettings } from "../config/load.ts";
import type { SettingsFile } from "../config/settings-file.ts";
import { capped } from "../log.ts";
import { SettingsProblems } from "./failure.ts";

/** Where the settings of one run are given. */
export interface SettingsPlaces {
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of the file; none where it is unset or empty. */
  readonly path: string | undefined;
  readonly preset: Preset | undefined;
}

/**
 * Reads the settings of one run.
 * @throws {SettingsProblems} with everything that is wrong with them.
 */
export function readSettings(places: SettingsPlaces): Extract<LoadedSettings, { ok: true }> {
  const { flags, environment, path, preset } = places;
  const file = path === undefined || path === "" ? undefined : openFile(path);
  const loaded = loadSettings({ flags, environment, file, defaults: preset });
  if (!loaded.ok) throw new SettingsProblems(loaded.problems);
  return loaded;
}

function openFile(path: string): SettingsFile {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const why = code === "ENOENT" ? "there is no such file" : `it cannot be read (${code})`;
    throw new SettingsProblems([`--config ${capped(path)}: ${why}`]);
  }
}
