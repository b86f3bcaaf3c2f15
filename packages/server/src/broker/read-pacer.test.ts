import { expect, test } from "bun:test";
import { ManualClock } from "../../../../tests/support/manual-clock.ts";
import { ReadPacer } from "./read-pacer.ts";

/** A source that brings something each time it is asked to, and a pacer whose deferred work the test runs. */
function makeStage(longestMs = 10, isForSomebody = true) {
  const clock = new ManualClock();
  const deferred: (() => void)[] = [];
  const pacer = new ReadPacer({
    longestMs,
    isForSomebody: () => isForSomebody,
    clock,
    defer: (run) => deferred.push(run),
  });
  let isPaused = false;
  const source = {
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
    },
  };
  return {
    pacer,
    clock,
    isPaused: () => isPaused,
    /** Reads once, after `idleMs` in which nothing came, and works `workMs` on it. */
    read(idleMs: number, workMs = 0): void {
      clock.advance(idleMs);
      pacer.began();
      clock.advance(workMs);
      pacer.ended(source);
      for (const run of deferred.splice(0)) run();
    },
  };
}

test("a source whose reads come a millisecond apart or more is never paused", () => {
  const stage = makeStage();
  for (let count = 0; count < 1_000; count += 1) {
    stage.read(1, 3);
    expect(stage.isPaused()).toBeFalse();
  }
});

test("a burst of a few reads is not held up", () => {
  const stage = makeStage();
  for (let burst = 0; burst < 10; burst += 1) {
    stage.read(5);
    for (let count = 0; count < 7; count += 1) stage.read(0.5);
    expect(stage.isPaused()).toBeFalse();
  }
});

test("a source that goes on bringing is paused after each read, until it slows down", () => {
  const stage = makeStage();
  stage.read(5);
  for (let count = 0; count < 8; count += 1) stage.read(0.5);
  for (let round = 0; round < 5; round += 1) {
    expect(stage.isPaused()).toBeTrue();
    stage.clock.advance(1);
    expect(stage.isPaused()).toBeFalse();
    stage.read(0);
  }
  stage.clock.advance(1);
  stage.read(2);
  expect(stage.isPaused()).toBeFalse();
});

test.each([
  { work: 0, of: "somebody", pause: 1 },
  { work: 2, of: "somebody", pause: 3 },
  { work: 50, of: "somebody", pause: 10 },
  { work: 0, of: "nobody", pause: 10 },
])("work of $work ms for $of is followed by a pause of $pause ms", ({ work, of, pause }) => {
  const stage = makeStage(10, of === "somebody");
  stage.read(5);
  for (let count = 0; count < 7; count += 1) stage.read(0);
  stage.read(0, work);
  stage.clock.advance(pause - 1);
  expect(stage.isPaused()).toBeTrue();
  stage.clock.advance(1);
  expect(stage.isPaused()).toBeFalse();
});

test("a longest pause of nothing never pauses", () => {
  const stage = makeStage(0);
  for (let count = 0; count < 100; count += 1) stage.read(0, 1);
  expect(stage.isPaused()).toBeFalse();
});

test("a pacer that is stopped touches its source no more", () => {
  const stage = makeStage();
  stage.read(5);
  for (let count = 0; count < 8; count += 1) stage.read(0);
  stage.pacer.stop();
  stage.clock.advance(100);
  expect(stage.isPaused()).toBeTrue();
});
