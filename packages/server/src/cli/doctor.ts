import { authSettingsFault } from "../auth/auth-settings.ts";
import { workersFault } from "../supervisor/worker-count.ts";
import type { Finding } from "./doctor-finding.ts";
import { fileLimitFinding, listenerFindings } from "./doctor-machine.ts";
import { redisFindings } from "./doctor-redis.ts";
import { allSettings, type Command, command, type ReadSettings } from "./command.ts";
import type { Terminal } from "./terminal.ts";

/** `tidings doctor`: whether a relay with these settings would work here. */
export const doctorCommand: Command = command({
  name: "doctor",
  summary: "Check that a relay with these settings would work here; each finding comes with its mend.",
  usage: "[flags]",
  examples: [
    "tidings doctor --config tidings.yaml",
    "tidings doctor --json | jq '.findings[] | select(.level != \"ok\")'",
  ],
  args: { json: { type: "boolean", description: "One JSON object instead of text." } },
  settings: allSettings,
  async run({ args, settings: read, terminal }) {
    const loaded = read();
    const { settings } = loaded;
    const findings = [
      ...settingsFindings(loaded),
      ...(await redisFindings(settings)),
      fileLimitFinding(settings),
      ...(await listenerFindings(settings)),
    ];
    const healthy = !findings.some(({ level }) => level === "fail");
    if (args.json === true) terminal.out(JSON.stringify({ ok: healthy, findings }, null, 2));
    else for (const finding of findings) print(finding, terminal);
    return healthy ? 0 : 1;
  },
});

function settingsFindings({ settings, warnings }: ReadSettings): readonly Finding[] {
  const fault = authSettingsFault(settings);
  const mend =
    "set TIDINGS_JWT_SECRET, TIDINGS_JWT_PUBLIC_KEY or TIDINGS_JWKS_URL; docs/configuration.md tells each";
  const access: Finding =
    fault === null
      ? { check: "access", level: "ok", says: "the settings tell who may connect" }
      : { check: "access", level: "fail", says: fault, mend };
  const workers = workersFault(settings);
  return [
    access,
    ...(workers === null
      ? []
      : [
          {
            check: "workers",
            level: "fail",
            says: workers,
            mend: "run one relay for each core behind a proxy",
          } as const,
        ]),
    ...warnings.map((says): Finding => ({
      check: "settings",
      level: "warn",
      says,
      mend: "see docs/configuration.md",
    })),
  ];
}

function print({ level, check, says, mend }: Finding, terminal: Terminal): void {
  const paint = { ok: terminal.green, warn: terminal.yellow, fail: terminal.red }[level];
  terminal.out(`${paint(level.padEnd(4))}  ${check}: ${says}`);
  if (mend !== undefined) terminal.out(`      ${terminal.dim(`→ ${mend}`)}`);
}
