import { expect, test } from "bun:test";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const dockerfile = await Bun.file(join(root, "deploy/Dockerfile")).text();

/** Each instruction as `[name, rest]`, without comments, of the stages in their order. */
const stages = dockerfile
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)] as const)
  .reduce<(readonly [string, string])[][]>((all, instruction) => {
    if (instruction[0] === "FROM") all.push([]);
    all.at(-1)?.push(instruction);
    return all;
  }, []);

test("the image holds the executable and nothing that was needed to build it", () => {
  const last = stages.at(-1) ?? [];
  expect(last[0]?.[1]).toMatch(/^gcr\.io\/distroless\/.*:nonroot$/);
  expect(last.filter(([name]) => name === "COPY" || name === "ADD" || name === "RUN")).toEqual([
    ["COPY", "--from=build /src/dist/tidings /tidings"],
  ]);
  expect(last).toContainEqual(["ENTRYPOINT", '["/tidings"]']);
  expect(last).toContainEqual(["CMD", '["serve"]']);
  expect(last).toContainEqual(["ENV", "NODE_ENV=production"]);
});

test("the build sees every workspace, and what npm reads and runs", async () => {
  const ignore = await Bun.file(join(root, "deploy/Dockerfile.dockerignore")).text();
  const kept = ignore.split("\n").flatMap((line) => (line.startsWith("!") ? [line.slice(1)] : []));
  const { workspaces } = (await Bun.file(join(root, "package.json")).json()) as { workspaces: string[] };
  for (const workspace of workspaces) {
    const folder = workspace.replace("/*", "");
    expect(kept.some((path) => path === folder || path === `${folder}/package.json`)).toBe(true);
  }
  expect(kept).toEqual(expect.arrayContaining(["package.json", "package-lock.json", ".npmrc", "scripts"]));
});
