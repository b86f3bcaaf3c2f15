import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { available, PYTHON } from "../clients/tools.ts";
import { pythonForSdk, run, sdk } from "./python-environment.ts";

setDefaultTimeout(600_000);

const isThere = available(PYTHON);

async function succeeds(...words: readonly string[]): Promise<string> {
  const { status, output } = await run([await pythonForSdk(), ...words]);
  if (status !== 0) throw new Error(output);
  return output;
}

test.skipIf(!isThere)(
  "the Python SDK passes its own tests, the vectors and its README among them",
  async () => {
    expect(await succeeds("-m", "pytest", "-q")).toMatch(/^[2-9]\d\d passed in /m);
  },
);

test.skipIf(!isThere)("the Python SDK has types that hold under mypy --strict", async () => {
  const cache = join(tmpdir(), "tidings-mypy");
  expect(await succeeds("-m", "mypy", "--cache-dir", cache)).toStartWith("Success: no issues found");
});

test.skipIf(!isThere)("the Python SDK is built into a wheel and a source distribution", async () => {
  const target = await mkdtemp(join(tmpdir(), "tidings-wheel-"));
  try {
    await succeeds("-m", "build", "--no-isolation", "--outdir", target, sdk);
    const built = await readdir(target);
    expect(built.toSorted()).toEqual(["tidings-0.1.0-py3-none-any.whl", "tidings-0.1.0.tar.gz"]);
    const wheel = join(target, "tidings-0.1.0-py3-none-any.whl");
    expect(await succeeds("-m", "zipfile", "--list", wheel)).toContain("tidings/py.typed");
    const imported = `import sys; sys.path.insert(0, ${JSON.stringify(wheel)}); import tidings; print(tidings.__file__)`;
    expect(await succeeds("-c", imported)).toContain(wheel);
  } finally {
    await rm(target, { recursive: true, force: true });
  }
});
