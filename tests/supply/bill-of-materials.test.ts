import { expect, test } from "bun:test";
import { join } from "node:path";
import { type BillOfMaterials, billOfMaterials } from "../../scripts/bill-of-materials.ts";
import { readLockFile } from "../../scripts/lock-file.ts";
import { root } from "../support/process.ts";

const lock = await readLockFile(join(root, "package-lock.json"));
const bill: BillOfMaterials = billOfMaterials(lock, "linux-x64");
const fullName = ({ group, name }: { readonly group?: string; readonly name: string }): string =>
  group === undefined ? name : `${group}/${name}`;

test("the bill names each package that is bundled into the executable, and Bun", async () => {
  const build = await Bun.build({
    entrypoints: [join(root, "packages/server/src/cli/main.ts")],
    target: "bun",
    metafile: true,
  });
  const inputs = Object.keys(build.metafile?.inputs ?? {});
  const bundled = new Set(
    inputs.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
  );
  expect(bundled.size).toBeGreaterThan(10);
  const named = new Set(bill.components.map(fullName));
  expect([...bundled].filter((name) => !named.has(name))).toEqual([]);
  expect(named).toContain("@oven/bun-linux-x64");
});

test("the bill has what the relay depends on, and nothing that only development needs", async () => {
  const { dependencies } = (await Bun.file(join(root, "packages/server/package.json")).json()) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const versions = new Map(bill.components.map((one) => [fullName(one), one.version]));
  for (const [name, version] of Object.entries(dependencies)) expect(versions.get(name)).toBe(version);
  for (const name of ["typescript", "knip", "fast-check", "ioredis", "playwright-core"]) {
    expect(versions.has(name)).toBe(false);
  }
});

test("the bill has the form of CycloneDX 1.5", () => {
  expect(bill.bomFormat).toBe("CycloneDX");
  expect(bill.specVersion).toBe("1.5");
  expect(bill.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  const parts = [bill.metadata.component, ...bill.components];
  const refs = parts.map((part) => part["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  for (const part of parts) {
    expect(part.purl).toMatch(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/);
    expect(part.licenses?.length).toBe(1);
    // What stands in this checkout has no file in the registry.
    const hashes =
      part.group === "@tidings" ? undefined : [expect.stringMatching(/^[0-9a-f]{128}$/) as string];
    expect(part.hashes?.map(({ content }) => content)).toEqual(hashes);
  }
  expect(bill.dependencies.map(({ ref }) => ref).toSorted()).toEqual(refs.toSorted());
  for (const { dependsOn } of bill.dependencies) for (const ref of dependsOn) expect(refs).toContain(ref);
});

test("the same lock file gives the same bill, and another version another number", () => {
  expect(billOfMaterials(lock, "linux-x64")).toEqual(bill);
  expect(billOfMaterials(lock, "darwin-aarch64").serialNumber).not.toBe(bill.serialNumber);
});

test("a platform without Bun has no bill", () => {
  expect(() => billOfMaterials(lock, "plan9-mips")).toThrow("the lock file has no Bun for plan9-mips");
});
