import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultSettings } from "../../packages/server/src/config/load.ts";
import { available, type Tool } from "../clients/tools.ts";

const SYSTEMD: Tool = { command: "systemd-analyze", install: "`apt-get install systemd`" };
const unit = await Bun.file(join(import.meta.dirname, "../../deploy/tidings.service")).text();

/** The value of a directive that stands once. */
function directive(name: string): string {
  const values = [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value);
  expect(values.length).toBe(1);
  return values[0] ?? "";
}

test("the unit gives the relay more time to stop than it takes to drain", () => {
  expect(directive("KillSignal")).toBe("SIGTERM");
  const seconds = Number(/^(\d+)s$/.exec(directive("TimeoutStopSec"))?.[1]);
  expect(seconds * 1_000).toBeGreaterThan(defaultSettings().drain_deadline + 1_000);
});

test("the unit does not restart a relay whose settings cannot be", () => {
  expect(directive("Restart")).toBe("on-failure");
  expect(directive("RestartPreventExitStatus")).toBe("2");
});

test.skipIf(!available(SYSTEMD))("systemd takes the unit without a complaint", async () => {
  const directory = await mkdtemp(join(tmpdir(), "tidings-unit-"));
  const path = join(directory, "tidings.service");
  // The executable has to exist for systemd-analyze.
  await Bun.write(path, unit.replace("ExecStart=/usr/local/bin/tidings", "ExecStart=/bin/true"));
  const child = Bun.spawn(["systemd-analyze", "verify", path], { stdout: "pipe", stderr: "pipe" });
  const said = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
  await rm(directory, { recursive: true, force: true });
  expect({ said, status: await child.exited }).toEqual({ said: "", status: 0 });
});
