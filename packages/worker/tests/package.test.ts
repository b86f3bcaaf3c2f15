import { expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";

setDefaultTimeout(120_000);

const root = join(import.meta.dirname, "../../..");

test("publint and Are The Types Wrong find nothing in the package as it would be published", async () => {
  const child = Bun.spawn(["node", join(root, "scripts/check-package.mjs"), "packages/worker"], {
    cwd: root,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  expect([status, err]).toEqual([0, ""]);
  expect(out).toContain("publint and attw have nothing to say");
});
