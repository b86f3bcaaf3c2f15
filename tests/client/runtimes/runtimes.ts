import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromiumPath, startBrowser } from "../../support/browser.ts";
import { nodeProgram } from "./node-24.ts";

/** A place where the package runs. */
export interface Runtime extends AsyncDisposable {
  /** Tries one behaviour in a process or page of its own. Rejects with what went wrong. */
  perform(behaviour: string, stageUrl: string): Promise<void>;
}

/** How long a trial may take before it counts as one that does not end, in milliseconds. */
const PATIENCE_MS = 100_000;

/** The package as it is shipped beside a program that tries it, as files for any runtime. */
export interface Site extends AsyncDisposable {
  readonly folder: string;
}

/** Lays out the built package `dist` and the programs. */
export async function makeSite(dist: string): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "tidings-runtimes-"));
  for (const name of ["index", "share", "stream"]) {
    await Bun.write(join(folder, "sdk", `${name}.js`), Bun.file(join(dist, `${name}.js`)));
  }
  await Bun.build({
    entrypoints: [join(import.meta.dir, "behaviours.ts")],
    target: "browser",
    outdir: folder,
  });
  const imports = 'import * as sdk from "./sdk/index.js";\nimport { perform } from "./behaviours.js";\n';
  const program = `${imports}await perform(sdk, process.argv[2], process.argv[3]);\n`;
  await Bun.write(join(folder, "program.js"), program);
  await Bun.write(
    join(folder, "page.js"),
    `${imports}export const tryIt = (...words) => perform(sdk, ...words);\n`,
  );
  await Bun.write(join(folder, "package.json"), '{ "type": "module" }\n');
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

/** Runs each trial as a program of its own, which has to end by itself: the SDK must leave nothing behind. */
function programs(command: string, { folder }: Site): Runtime {
  return {
    async perform(...words) {
      const child = Bun.spawn([command, join(folder, "program.js"), ...words], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        timeout: PATIENCE_MS,
      });
      const [out, err, status] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      if (status !== 0) throw new Error(`it ended with ${status} (${child.signalCode}): ${out}${err}`);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function pages(): Promise<Runtime> {
  const browser = await startBrowser();
  return {
    async perform(behaviour, stageUrl) {
      const context = await browser.context();
      const page = await context.newPage();
      await page.goto(stageUrl);
      const words = JSON.stringify([behaviour, stageUrl]);
      await page.evaluate(`import("/page.js").then(({ tryIt }) => tryIt(...${words}))`);
      await context.close();
    },
    [Symbol.asyncDispose]: () => browser[Symbol.asyncDispose](),
  };
}

/** Where the package is tried, and whether this machine can. */
export const runtimes: readonly {
  readonly name: string;
  readonly isThere: boolean;
  readonly start: (site: Site) => Promise<Runtime>;
}[] = [
  { name: "Bun", isThere: true, start: async (site) => programs(process.execPath, site) },
  { name: "Node.js 24", isThere: true, start: async (site) => programs(await nodeProgram(), site) },
  { name: "Chromium", isThere: chromiumPath !== null, start: pages },
];
