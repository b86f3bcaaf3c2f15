import { expect } from "bun:test";
import type { TestBrowser } from "../../support/browser.ts";
import type { Model } from "./model.ts";
import type { Stage } from "./stage.ts";
import { freshTranscript, lettersOf, type Visitor } from "./visitor.ts";

/**
 * Lets the model end its answer, and expects all of it, once and in order, on a page of Ada's that lived through something and
 * never had to read the conversation anew.
 */
export async function expectWhole(
  visitor: Visitor,
  { model, browser, stage }: { readonly model: Model; readonly browser: TestBrowser; readonly stage: Stage },
): Promise<void> {
  expect(await visitor.state()).toBe("working");
  model.finish();
  await visitor.settled("done");
  expect(await visitor.runs.count()).toBe(1);
  expect(await visitor.answerLetters()).toBe(lettersOf(model.said));
  const stored = await freshTranscript(browser, stage, "Ada", visitor.page.url());
  expect(await visitor.transcript()).toEqual(stored);
  expect(visitor.rereads).toBe(0);
  expect(visitor.errors).toEqual([]);
}
