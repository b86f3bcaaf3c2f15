import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";

/** Where Debian and the usual systems put Chromium. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser's program, or null where this machine has none. */
export const chromiumPath: string | null =
  Bun.which("chromium") ?? places.find((path) => existsSync(path)) ?? null;

/** A headless Chromium with a profile of its own, gone when the test's block ends. */
export interface TestBrowser extends AsyncDisposable {
  /** A new context: nothing is shared with the others, as on another device. */
  context(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/** Starts Chromium. It talks to nobody but the pages it is sent to. */
export async function startBrowser(): Promise<TestBrowser> {
  if (chromiumPath === null) throw new Error("missing: chromium. On Debian: apt-get install chromium");
  const profile = await mkdtemp(join(tmpdir(), "tidings-chromium-"));
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    env: { ...process.env, HOME: profile },
  });
  return {
    context: (options) => browser.newContext(options),
    async [Symbol.asyncDispose]() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
