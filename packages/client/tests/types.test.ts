import assert from "node:assert/strict";
import { test } from "./support/suite.ts";
import type { GapPayload, ResumedPayload, WelcomePayload } from "@tidings/protocol";
import type { Tidings } from "../src/tidings.ts";
import type { ConnectOptions } from "../src/tidings.ts";
import type { StandardSchema } from "@tidings/protocol/standard-schema";
import type { Update } from "../src/update.ts";
import type { GapPayload as KnownGap } from "../src/gap.ts";

// What follows is checked by the compiler: it is never called.

function infer<E, M>(options: ConnectOptions<E, M>): Tidings<E, M> {
  throw new TypeError(typeof options);
}

function schemasGiveTypes(
  note: StandardSchema<{ raw: string }, { text: string }>,
  ask: StandardSchema<{ question: string }, { question: string; at: number }>,
): void {
  const tidings = infer({ url: "", events: { note }, messages: { ask } });
  tidings.on("note", ({ text }) => text.trim());
  tidings.on("note", (_payload, update: Update<"note", { text: string }>) => update.offset?.length);
  // @ts-expect-error There is no such type.
  tidings.on("other", () => {});
  // @ts-expect-error A handler gets what the schema makes, not what it takes.
  tidings.on("note", ({ raw }) => raw);
  void tidings.send("ask", { question: "why?" });
  // @ts-expect-error A message is what the schema takes.
  void tidings.send("ask", { at: 1 });
  // @ts-expect-error There is no such message.
  void tidings.send("other", {});
}

function maps(tidings: Tidings<{ step: number; done: { ok: boolean } }>): void {
  tidings.on("*", (_payload, update) =>
    update.type === "step" ? update.payload.toFixed() : update.payload.ok,
  );
  tidings.on("tidings.status", (status) => (status.kind === "offline" ? status.retryAt : null));
  tidings.on("tidings.gap", ({ missed }) => missed?.toFixed());
}

async function loops(tidings: Tidings<{ step: number; done: { ok: boolean } }>): Promise<void> {
  for await (const update of tidings.updates("step")) update.payload.toFixed();
  for await (const update of tidings) if (update.type === "done") update.payload.ok.valueOf();
}

function withoutTypes(tidings: Tidings): void {
  // @ts-expect-error Nobody said what it is.
  tidings.on("step", (payload) => payload.text);
  void tidings.send("anything", { at: "all" });
}

function wire(gap: GapPayload, resumed: ResumedPayload, welcome: WelcomePayload): readonly KnownGap[] {
  return [gap, { ...resumed }, { ...(welcome.reason && { reason: welcome.reason }) }];
}

test("what the compiler is to say of the types stands in functions that compile", () => {
  const functions = [schemasGiveTypes, maps, loops, withoutTypes, wire];
  for (const check of functions) assert.equal(typeof check, "function");
});
