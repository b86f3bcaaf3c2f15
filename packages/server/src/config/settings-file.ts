import { capped } from "../log.ts";

/** A file of settings as it was read: where it lies, for messages, and its text. */
export interface SettingsFile {
  readonly path: string;
  readonly text: string;
}

/** One line `key: value` of the file; `line` is null where the key could not be found again in the text. */
export interface FileEntry {
  readonly key: string;
  readonly value: unknown;
  readonly line: number | null;
}

/** Reads a file of settings: YAML (or JSON, which is YAML) with one key a setting. Never throws. */
export function readSettingsFile(
  file: SettingsFile,
):
  | { readonly ok: true; readonly entries: readonly FileEntry[] }
  | { readonly ok: false; readonly problems: readonly string[] } {
  let parsed: unknown;
  try {
    parsed = Bun.YAML.parse(file.text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      ok: false,
      problems: [`${file.path} is not YAML: ${capped(reason.replace(/^YAML Parse error: /, ""))}`],
    };
  }
  if (parsed === null) return { ok: true, entries: [] };
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    return { ok: false, problems: [`${file.path} must hold lines such as "port: 8080"`] };
  }
  const lines = linesByKey(file.text);
  const twice = [...lines].filter(([, numbers]) => numbers.length > 1);
  if (twice.length > 0) {
    return {
      ok: false,
      problems: twice.map(
        ([key, at]) => `${capped(key, 64)} stands in ${file.path} lines ${at.join(" and ")}; keep one`,
      ),
    };
  }
  const entries = Object.entries(parsed).map(([key, value]: [string, unknown]): FileEntry => {
    return { key, value, line: lines.get(key)?.[0] ?? null };
  });
  return { ok: true, entries };
}

/**
 * Where each top-level key begins. The parser tells no positions, and takes the last of two equal keys in
 * silence.
 */
function linesByKey(text: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const key = /^(["']?)([A-Za-z_][\w-]*)\1\s*:(?:\s|$)/.exec(line)?.[2];
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), index + 1]);
  }
  return found;
}
