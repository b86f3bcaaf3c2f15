import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { available, PYTHON } from "../clients/tools.ts";
import { pythonForSdk, run, sdk } from "./python-environment.ts";

setDefaultTimeout(600_000);

/** Says where an installed package is, which version, whether it is typed, and that it can be used. */
const INSTALLED = `
import importlib.metadata, pathlib, tidings
print(tidings.__file__)
print(importlib.metadata.version("tidings"))
print((pathlib.Path(tidings.__file__).parent / "py.typed").exists())
print(tidings.Tidings.__name__)
`;

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

test.skipIf(!isThere)(
  "the Python SDK is built into a wheel and a source distribution, and the wheel of it installs in a fresh environment",
  async () => {
    const target = await mkdtemp(join(tmpdir(), "tidings-wheel-"));
    try {
      await succeeds("-m", "build", "--no-isolation", "--outdir", target, sdk);
      const built = await readdir(target);
      expect(built.toSorted()).toEqual(["tidings-0.1.0-py3-none-any.whl", "tidings-0.1.0.tar.gz"]);
      // `build` made the wheel of the source distribution, so what installs from the one does from the other.
      const wheel = join(target, "tidings-0.1.0-py3-none-any.whl");
      const environment = join(target, "environment");
      const python = join(environment, "bin", "python");
      await succeeds("-m", "venv", "--without-pip", environment);
      const pip = ["-m", "pip", "--python", python, "--disable-pip-version-check"];
      await succeeds(...pip, "install", "--quiet", wheel);
      await succeeds(...pip, "check");
      // Isolated, so that nothing of the sources is found.
      const { output } = await run([python, "-I", "-c", INSTALLED]);
      expect(output.trim().split("\n")).toEqual([
        expect.stringMatching(new RegExp(`^${environment}/.*/site-packages/tidings/__init__.py$`)),
        "0.1.0",
        "True",
        "Tidings",
      ]);
    } finally {
      await rm(target, { recursive: true, force: true });
    }
  },
);
