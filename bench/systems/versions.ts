import { join } from "node:path";
import { folderOf, type System } from "./system.ts";

/** What each system is made of, from the files that pin it. */
export async function versionsOf(systems: readonly System[]): Promise<Record<string, string>> {
  const entries = systems.map(async (system) => [system.name, await versionOf(system)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

async function versionOf(system: System): Promise<string> {
  const packages = Bun.file(join(folderOf(system), "package.json"));
  if (await packages.exists()) {
    const { dependencies } = (await packages.json()) as { readonly dependencies: Record<string, string> };
    return Object.entries(dependencies)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ");
  }
  const module = Bun.file(join(folderOf(system), "go.mod"));
  if (await module.exists()) {
    const required = (await module.text()).matchAll(/^\t(\S+) (v\S+)$/gm);
    const go = said(["go", "version"]);
    return [go, ...Array.from(required, ([, name, version]) => `${name} ${version}`)].join(", ");
  }
  if (system.folder === "floor") return said(["gcc", "--version"]);
  return `commit ${said(["git", "rev-parse", "--short", "HEAD"])}, Bun ${Bun.version}`;
}

function said(command: readonly string[]): string {
  return (
    Bun.spawnSync([...command], { cwd: import.meta.dir })
      .stdout.toString()
      .split("\n", 1)[0] ?? ""
  );
}
