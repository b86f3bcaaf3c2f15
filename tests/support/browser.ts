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

/** How a test's browser differs from the usual one. */
export interface TestBrowserOptions {
  /** Whether pages that are left stand by for the way back, as for visitors; Playwright has that off. */
  readonly hasBackForwardCache?: boolean;
}

/** Starts Chromium. It talks to nobody but the pages it is sent to. */
export async function startBrowser(options: TestBrowserOptions = {}): Promise<TestBrowser> {
  if (chromiumPath === null) throw new Error("missing: chromium. On Debian: apt-get install chromium");
  const profile = await mkdtemp(join(tmpdir(), "tidings-chromium-"));
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    headless: true,
    ignoreDefaultArgs: options.hasBackForwardCache ? ["--disable-back-forward-cache"] : [],
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
