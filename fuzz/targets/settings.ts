import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settingList } from "../../packages/server/src/config/catalog.ts";
import { developmentPreset } from "../../packages/server/src/config/development.ts";
import { loadSettings } from "../../packages/server/src/config/load.ts";
import type { Dice } from "../dice.ts";
import type { FuzzTarget } from "../target.ts";

/** A secret that no message may repeat. */
const SECRET = "planted-secret-0123456789abcdef0123456789";

/** The program is started for one input in so many, since that takes far longer. */
const CASES_A_PROCESS = 250;

const MAIN = join(import.meta.dir, "../../packages/server/src/cli/main.ts");

const SECTION = "\n=====\n";
const names = settingList.map(({ name }) => name);
const secrets = new Set<string>(settingList.flatMap(({ name, kind }) => (kind === "secret" ? [name] : [])));

const values: readonly [string, ...(readonly string[])] = [
  "",
  "0",
  "-1",
  "1",
  "65536",
  "1e3",
  "NaN",
  "true",
  "false",
  "off",
  "10s",
  "1MiB",
  "-5s",
  "99999999999999999999h",
  "127.0.0.1",
  "::1",
  "redis://:pw@h:1/0",
  "rediss://",
  "http://x",
  "https://[::1]:99999/",
  "-----BEGIN PUBLIC KEY-----",
  "*",
  "a,b,,c",
  "10.0.0.0/8",
  "10.0.0.0/99",
  "__proto__",
  "\u0000",
  "[1, {a: 2}]",
  "&a *a",
  "!!js/function x",
];

/** Settings as flags, environment and file at once: an answer in sentences whatever they are, and no stack trace. */
export const settingsTarget: FuzzTarget = {
  name: "settings",
  invent: (dice) => {
    const line = (separator: string): string => {
      const name = key(dice);
      return `${name}${separator}${secrets.has(name) && dice.oneIn(2) ? SECRET : dice.pick(values)}`;
    };
    const lines = (separator: string): string => dice.some(4, () => line(separator)).join("\n");
    return Buffer.from([lines("="), lines("="), lines(dice.oneIn(6) ? ":" : ": ")].join(SECTION));
  },
  feed: async (input, _, dice) => {
    const [flags = "", environment = "", ...rest] = Buffer.from(input).toString("utf8").split(SECTION);
    const file = { path: "tidings.yaml", text: rest.join(SECTION) };
    const variables = pairs(environment).map(
      ([name, value]) => [`TIDINGS_${name.toUpperCase()}`, value] as const,
    );
    const given = Object.fromEntries(pairs(flags).map(([name, value]) => [name.replaceAll("_", "-"), value]));
    if (dice.oneIn(CASES_A_PROCESS)) await feedProgram(Object.entries(given), variables, file.text);
    const defaults = dice.oneIn(2) ? developmentPreset : undefined;
    const loaded = loadSettings({ flags: given, environment: Object.fromEntries(variables), file, defaults });
    const lines = loaded.ok ? loaded.warnings : loaded.problems;
    if (!loaded.ok && lines.length === 0) throw new Error("refused without a reason");
    for (const text of lines) expectSentence(text);
    if (isPlanted(Buffer.from(input).toString("utf8")) && lines.some((text) => text.includes(SECRET))) {
      throw new Error("a message repeats a secret");
    }
  },
};

function expectSentence(text: string): void {
  if (typeof text !== "string" || text.trim() === "") throw new Error("a problem without words");
  if (/\n\s+at |undefined/.test(text)) throw new Error(`not a sentence: ${text}`);
  if (text.length > 2_000) throw new Error(`a message of ${text.length} characters`);
}

/** Hands the same to the program itself: it prints settings, or says in lines of its own why not. */
async function feedProgram(
  flags: readonly (readonly [string, string])[],
  variables: readonly (readonly [string, string])[],
  file: string,
): Promise<void> {
  const words = flags.flatMap(([name, value]) => [`--${name}`, value]);
  if (JSON.stringify([words, variables]).includes("\\u0000")) return;
  const folder = await mkdtemp(join(tmpdir(), "tidings-fuzz-"));
  try {
    const path = join(folder, "tidings.yaml");
    await writeFile(path, file);
    const child = Bun.spawn([process.execPath, MAIN, "config", ...words], {
      env: { PATH: process.env["PATH"], ...Object.fromEntries(variables), TIDINGS_CONFIG: path },
      stdout: "pipe",
      stderr: "pipe",
    });
    const text = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
    const status = await child.exited;
    if (status !== 0 && status !== 2) throw new Error(`tidings config ended with ${status}: ${text}`);
    if (/\n\s+at /.test(text)) throw new Error(`tidings config shows a stack: ${text}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Whether the secret stands only where a secret belongs: what is written elsewhere may be shown to who wrote it. */
function isPlanted(text: string): boolean {
  return text.split(SECTION).every((section, index) =>
    section
      .split("\n")
      .filter((line) => line.includes("planted"))
      .every((line) => {
        const [name = "", ...value] = line.split(index < 2 ? "=" : ": ");
        return secrets.has(name) && value.length === 1 && value[0] === SECRET;
      }),
  );
}

function key(dice: Dice): string {
  const [first = "port"] = names;
  const name = dice.pick([first, ...names]);
  return dice.oneIn(8) ? dice.pick([`${name}s`, name.slice(1), "__proto__", "constructor", "", " "]) : name;
}

function pairs(text: string): readonly (readonly [string, string])[] {
  return text.split("\n").map((line) => {
    const at = line.indexOf("=");
    return at === -1 ? [line, ""] : [line.slice(0, at), line.slice(at + 1)];
  });
}
