import { maskedSettings, settingList, type ShownValue } from "../config/catalog.ts";
import { developmentPreset } from "../config/development.ts";
import { allSettings, type Command, command, type ReadSettings } from "./command.ts";

/** `tidings config`: the effective settings. */
export const configCommand: Command = command({
  name: "config",
  summary: "Print the effective settings and where each comes from, secrets masked.",
  usage: "[flags]",
  examples: ["tidings config", "tidings config --dev", "tidings config --json --config tidings.yaml"],
  args: {
    json: { type: "boolean", description: "One JSON object instead of YAML." },
    dev: { type: "boolean", description: "With the defaults of tidings dev." },
  },
  settings: allSettings,
  async run({ args, settings: read, terminal }) {
    const loaded = read(args.dev === true ? developmentPreset : undefined);
    terminal.out(args.json === true ? asJson(loaded) : asYaml(loaded));
    for (const warning of loaded.warnings) terminal.err(terminal.yellow(`warning: ${warning}`));
    return 0;
  },
});

function asJson({ settings, sources }: ReadSettings): string {
  const shown = maskedSettings(settings);
  const entries = settingList.map(
    ({ name }) => [name, { value: shown[name], source: sources[name].label }] as const,
  );
  return JSON.stringify(Object.fromEntries(entries), null, 2);
}

/** A file that `--config` takes, but for the masks. */
function asYaml({ settings, sources }: ReadSettings): string {
  const shown = maskedSettings(settings);
  return settingList
    .map(({ name, group }, index) => {
      const heading = settingList[index - 1]?.group === group ? "" : `${index === 0 ? "" : "\n"}# ${group}\n`;
      const value = shown[name];
      if (value === null) return `${heading}# ${name}:  # not set`;
      const { from, label } = sources[name];
      return `${heading}${name}: ${yamlValue(value)}  # ${from === "default" ? "default" : label}`;
    })
    .join("\n");
}

/** YAML takes JSON's values; a plain word needs no quotes. */
function yamlValue(value: ShownValue): string {
  const plain =
    typeof value === "string" &&
    /^[a-z][\w.-]*$/i.test(value) &&
    !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(value);
  return plain ? value : JSON.stringify(value);
}
