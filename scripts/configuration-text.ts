import {
  maskedSettings,
  type Setting,
  settingList,
  type ShownValue,
} from "../packages/server/src/config/catalog.ts";
import { developmentPreset } from "../packages/server/src/config/development.ts";
import { defaultSettings } from "../packages/server/src/config/load.ts";

const intro = `# Configuration

<!-- Made by \`npm run docs\` from packages/server/src/config/schema.ts. Edit that. -->

Every setting has one name in three forms: a flag \`--port\`, an environment variable \`TIDINGS_PORT\`, and
a key \`port\` in a file. The first of these that is given wins; then comes the default.

The file is YAML (JSON is YAML, too) and named by \`--config tidings.yaml\` or \`TIDINGS_CONFIG\`:

\`\`\`yaml
port: 8080
redis_url: rediss://relay:password@redis.internal:6379
allowed_origins:
  - https://app.example.com
drain_window: 10s
\`\`\`

- A name that is not known, a value that cannot be, and settings that contradict each other stop the start
  (exit status 2). All problems are told at once, each in the form in which it was written.
- An empty environment variable, and a key without a value, count as not set.
- Sizes are bytes, or carry a unit: \`65536\`, \`64KiB\`, \`1MB\`. Durations always carry one: \`500ms\`,
  \`25s\`, \`10m\`, \`1h\`.
- Switches are \`true\` or \`false\` (also on/off, yes/no, 1/0); as flags also \`--inbound\` and
  \`--no-inbound\`.
- Lists are separated by commas; in the file they may be YAML lists.
- Secrets are better kept in the environment or the file than in flags, which every user of the machine can
  read in the list of processes. No message, log line or \`tidings config\` shows one.

\`tidings config\` prints what is in effect and where each value comes from; \`tidings doctor\` checks that
it would work. The column *dev* is the default of \`tidings dev\` where it differs. \`insecure_user_id\`
stays \`false\` there, too, once a key for tokens is set.
`;

/** The text of `docs/configuration.md`: every setting, made from the one place where each is defined. */
export function configurationDocs(): string {
  const presets = developmentPreset.values(new Set());
  const development = maskedSettings({ ...defaultSettings(), ...presets });
  const groups = [...new Set(settingList.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const rows = settingList
      .filter((setting) => setting.group === group)
      .map((setting) => row(setting, setting.name in presets ? development[setting.name] : null));
    const head = ["Variable", "Flag", "Key", "Default", "dev", "Write", "Meaning"];
    return [`## ${group}`, "", line(head), line(head.map(() => "---")), ...rows, ""].join("\n");
  });
  return [intro, ...sections].join("\n");
}

function row(setting: Setting, development: ShownValue | null): string {
  const preset = development === null ? "" : String(development);
  return line([
    code(setting.variable),
    code(`--${setting.flag}`),
    code(setting.name),
    code(setting.defaultText ?? ""),
    preset === setting.defaultText ? "" : code(preset),
    setting.rule,
    setting.meaning,
  ]);
}

function code(text: string): string {
  return text === "" ? "" : `\`${text.replaceAll(",", ", ")}\``;
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
