import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import type { TestBrowser } from "../../support/browser.ts";
import { eventually } from "../../support/eventually.ts";
import type { Stage } from "./stage.ts";

/** How long an answer may take, in milliseconds. */
const answerPatienceMs = 90_000;

/** A user at a page of the example. */
export class Visitor {
  readonly page: Page;
  /** Errors of the page's own code. */
  readonly errors: string[] = [];
  /** How often the page read the stored conversation anew, because it had missed something for good. */
  rereads = 0;

  constructor(page: Page) {
    this.page = page;
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("request", (request) => {
      if (request.url().endsWith("/api/conversation")) this.rereads += 1;
    });
  }

  /** Opens another tab of the same browser at the same address. */
  async openTab(): Promise<Visitor> {
    const tab = new Visitor(await this.page.context().newPage());
    await tab.page.goto(this.page.url());
    await tab.live();
    return tab;
  }

  /** Resolves once the page says that it is connected. */
  async live(): Promise<void> {
    await this.page.locator('[data-testid="status"][data-kind="live"]').waitFor();
  }

  get status(): Locator {
    return this.page.getByTestId("status");
  }

  /** Questions and what became of them, as they stand on the page. */
  get runs(): Locator {
    return this.page.getByTestId("run");
  }

  /** The latest answer. */
  get answer(): Locator {
    return this.page.getByTestId("answer").last();
  }

  async ask(question: string): Promise<void> {
    await this.page.getByLabel("Your question").fill(question);
    await this.page.keyboard.press("Enter");
  }

  /** Resolves once the latest answer has this many characters. */
  async answerGrows(beyond: number): Promise<void> {
    const isLong = async (): Promise<boolean> => (await this.answerLength()) > beyond;
    await eventually(`the answer has more than ${beyond} characters`, isLong, answerPatienceMs);
  }

  answerLength(): Promise<number> {
    return this.page.evaluate(
      `document.querySelector('[data-testid="run"]:last-of-type [data-testid="answer"]')?.textContent.length ?? 0`,
    );
  }

  /** What the latest question has come to. */
  state(): Promise<string | null> {
    return this.runs.last().getAttribute("data-state");
  }

  /** The latest answer without its spaces, which a page sets otherwise than a text. */
  async answerLetters(): Promise<string> {
    return lettersOf((await this.answer.textContent()) ?? "");
  }

  /** Resolves once the latest question is settled this way. */
  async settled(state: "done" | "failed"): Promise<void> {
    await this.page
      .locator(`[data-testid="run"]:last-of-type[data-state="${state}"]`)
      .waitFor({ timeout: answerPatienceMs });
  }

  /** All that the conversation shows: questions, steps, answers, sources. */
  transcript(): Promise<string[]> {
    return this.runs.allTextContents();
  }
}

/** A text without its spaces. */
export function lettersOf(text: string): string {
  return text.replaceAll(/\s+/g, "");
}

/** Opens a device of its own, signs in there and waits until it is connected. */
export async function visit(
  browser: TestBrowser,
  stage: Stage,
  name: "Ada" | "Grace" | "Mateo",
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.context(options);
  const visitor = new Visitor(await context.newPage());
  await visitor.page.goto(`${stage.url}/sign-in`);
  await visitor.page.getByRole("button", { name }).click();
  await visitor.live();
  return visitor;
}

/** What a fresh device of the user is shown of a conversation: it is rendered from what the worker stored. */
export async function freshTranscript(
  browser: TestBrowser,
  stage: Stage,
  name: "Ada" | "Grace" | "Mateo",
  address: string,
): Promise<string[]> {
  const other = await visit(browser, stage, name);
  await other.page.goto(address);
  await other.live();
  const transcript = await other.transcript();
  await other.page.context().close();
  return transcript;
}
