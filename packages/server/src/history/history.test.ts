import { expect, test } from "bun:test";
import { BrokerUnavailable } from "../broker/broker.ts";
import { Application, Stage } from "./history-test-support.ts";

/** Brings everything that is on its way on the log's connection for commands. */
async function serve(stage: Stage): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    stage.log.execute();
    stage.log.answer();
    await stage.settle();
  }
}

async function arrive(stage: Stage, user: string): Promise<Application> {
  const application = new Application(user);
  void stage.connect(application);
  await stage.settle();
  await serve(stage);
  while ((application.line?.wire.length ?? 0) > 0) application.take();
  return application;
}

test("a notice that is lost is found by the idle check within half a minute, with nothing after it to show the hole", async () => {
  const stage = new Stage();
  const ann = await arrive(stage, "ann");
  const { n } = stage.log.publish("ann");
  stage.log.notice(true);
  for (let second = 0; second < 31; second += 1) {
    stage.clock.advance(1_000);
    await serve(stage);
  }
  ann.take();
  expect([ann.since?.split(",")[0], ann.violations]).toEqual([`e1.${n}`, []]);
  expect(stage.counters.holes).toBe(1);
  stage.history.stop();
});

test("after the subscription was down, every feed is compared with its log at once", async () => {
  const stage = new Stage();
  const users = await Promise.all(["ann", "bob"].map((user) => arrive(stage, user)));
  for (const target of ["ann", "bob", "*"]) {
    stage.log.publish(target);
    stage.log.notice(true);
  }
  stage.history.resubscribed();
  await stage.settle();
  await serve(stage);
  for (const user of users) {
    user.take();
    user.take();
    expect([user.violations, user.since?.replaceAll(/e\d/g, "e")]).toEqual([[], "e.1,*e.1"]);
  }
  stage.history.stop();
});

test("a client that does not read gets a page and no more until it does", async () => {
  const stage = new Stage();
  const ann = await arrive(stage, "ann");
  stage.cut(ann);
  for (let n = 0; n < 20; n += 1) stage.log.publish("ann");
  void stage.connect(ann);
  await stage.settle();
  ann.line?.block(true);
  stage.log.execute();
  stage.log.answer();
  await stage.settle();
  ann.line?.block(true);
  await serve(stage);
  // The scripted log gives three updates a page, and the welcome comes before them.
  expect(ann.line?.wire.length).toBe(4);
  ann.line?.block(false);
  await serve(stage);
  while ((ann.line?.wire.length ?? 0) > 0) ann.take();
  expect([ann.violations, ann.since?.split(",")[0]]).toEqual([[], "e1.20"]);
  stage.history.stop();
});

test("a client that resumes while the log cannot be asked is sent away for a while; one that does not is let in", async () => {
  const stage = new Stage();
  const back = await arrive(stage, "ann");
  stage.cut(back);
  stage.log.publish("ann");
  stage.log.isAway = new BrokerUnavailable("away");
  void stage.connect(back);
  const fresh = new Application("bob");
  void stage.connect(fresh);
  await stage.settle();
  await serve(stage);
  expect(back.line?.closedBy).toBe("try_later");
  expect(fresh.line?.wire).toEqual(['{"type":"welcome","payload":{}}']);
  expect(stage.faults).toEqual([]);
  stage.history.stop();
});

test("a client that was let in while the log could not be asked gets what comes", async () => {
  const stage = new Stage();
  stage.log.isAway = new BrokerUnavailable("away");
  const ann = new Application("ann");
  void stage.connect(ann);
  await stage.settle();
  await serve(stage);
  stage.log.isAway = null;
  stage.log.publish("ann");
  stage.log.notice();
  stage.log.publish("ann");
  stage.log.publish("ann");
  stage.log.notice(true);
  stage.log.notice();
  await serve(stage);
  const offsets = ann.line?.wire.slice(1).map((frame) => (JSON.parse(frame) as { offset: string }).offset);
  expect(offsets).toEqual(["e1.1", "e1.2", "e1.3"]);
  stage.history.stop();
});

test("a log that ends before what was delivered is begun anew, and every client is told", async () => {
  const stage = new Stage();
  const ann = await arrive(stage, "ann");
  for (let n = 0; n < 3; n += 1) {
    stage.log.publish("ann");
    stage.log.notice();
    ann.take();
  }
  stage.log.rollBack("ann", 2);
  for (let second = 0; second < 31; second += 1) {
    stage.clock.advance(1_000);
    await serve(stage);
  }
  stage.log.publish("ann");
  stage.log.notice();
  await serve(stage);
  while ((ann.line?.wire.length ?? 0) > 0) ann.take();
  expect([ann.gaps, ann.violations]).toEqual([1, []]);
  expect(ann.since?.split(",")[0]).toBe("e3.1");
  stage.history.stop();
});
