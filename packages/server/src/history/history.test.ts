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

test("the first broadcast that comes while a client of unknown place catches up with its own log is sent, and is no hole", async () => {
  const stage = new Stage();
  const ann = new Application("ann");
  void stage.connect(ann);
  stage.log.publish("ann");
  await stage.settle();
  stage.log.notice();
  stage.log.leave(new BrokerUnavailable("away"));
  await stage.settle();
  stage.log.publish("ann");
  stage.log.comeBack();
  stage.history.resubscribed();
  for (const target of ["ann", "*"]) stage.log.publish(target);
  // The one shows a hole, and the other comes before it was read.
  for (const _ of ["ann", "*"]) stage.log.notice();
  await serve(stage);
  while ((ann.line?.wire.length ?? 0) > 0) ann.take();
  expect([ann.violations, ann.gaps, ann.since?.replaceAll(/e\d/g, "e")]).toEqual([[], 0, "e.3,*e.1"]);
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

test("a client that was let in while the log could not be asked resumes from a place that is whole", async () => {
  const stage = new Stage();
  stage.log.publish("*");
  stage.log.notice();
  stage.log.isAway = new BrokerUnavailable("away");
  const ann = new Application("ann");
  void stage.connect(ann);
  await stage.settle();
  stage.log.isAway = null;
  const { epoch } = stage.log.publish("ann");
  stage.log.notice(true);
  if (ann.line === null) throw new Error("not let in");
  const { line } = ann;
  const answers: (string | undefined)[] = [];
  for (let again = 0; again < 2; again += 1) {
    stage.history.resume(line, `${epoch}.0`, ({ offset }) => answers.push(offset));
    await serve(stage);
  }
  expect(answers).toEqual([`${epoch}.0,*e1.1`, `${epoch}.0,*e1.1`]);
  const offsets = line.wire.slice(1).map((frame) => (JSON.parse(frame) as { offset: string }).offset);
  expect(offsets).toEqual([`${epoch}.1`, `${epoch}.1`]);
  expect(line.catchUp).toBeNull();
  stage.history.stop();
});

test("a resume that reads while notices are on their way gives nothing twice", async () => {
  const stage = new Stage();
  stage.log.isAway = new BrokerUnavailable("away");
  const ann = new Application("ann");
  const other = new Application("ann");
  void stage.connect(other);
  await stage.settle();
  stage.log.isAway = null;
  const [first] = [1, 2, 3].map(() => stage.log.publish("ann"));
  void stage.connect(ann);
  await stage.settle();
  await serve(stage);
  const { line } = ann;
  if (line === null) throw new Error("not let in");
  stage.history.resume(line, `${first?.epoch}.1`, () => {});
  await serve(stage);
  for (let n = 0; n < 3; n += 1) stage.log.notice();
  stage.log.publish("ann");
  stage.log.notice();
  await serve(stage);
  const offsets = line.wire.slice(1).map((frame) => (JSON.parse(frame) as { offset: string }).offset);
  expect(offsets.map((offset) => offset.split(".")[1])).toEqual(["2", "3", "4"]);
  stage.history.stop();
});

test("a slow client that wakes with a page of an epoch that is gone does not cost the log its new one", async () => {
  const stage = new Stage();
  const [slow, fast] = await Promise.all(["ann", "ann"].map((user) => arrive(stage, user)));
  for (let n = 0; n < 3; n += 1) stage.log.publish("ann");
  stage.log.notice(true);
  stage.log.notice();
  await stage.settle();
  stage.log.execute();
  slow?.line?.block(true);
  stage.log.answer();
  await stage.settle();
  stage.log.lose("ann");
  const { epoch } = stage.log.publish("ann");
  for (let n = 0; n < 2; n += 1) stage.log.notice();
  await serve(stage);
  slow?.line?.block(false);
  await serve(stage);
  for (const application of [slow, fast]) {
    while ((application?.line?.wire.length ?? 0) > 0) application?.take();
    expect([application?.violations, application?.since?.split(",")[0]]).toEqual([[], `${epoch}.1`]);
  }
  stage.history.stop();
});

test("a client that resumes from a log that was lost is told where the new one stands, not where the old one did", async () => {
  const stage = new Stage();
  const [back, other] = await Promise.all(["ann", "ann"].map((user) => arrive(stage, user)));
  if (back === undefined || other === undefined) throw new Error("not let in");
  stage.cut(back);
  for (let n = 0; n < 3; n += 1) {
    stage.log.publish("ann");
    stage.log.notice();
  }
  stage.log.lose("ann");
  const { epoch } = stage.log.publish("ann");
  stage.log.notice(true);
  void stage.connect(back);
  await stage.settle();
  await serve(stage);
  const [welcome, gap, ...more] = (back.line?.wire ?? []).map(
    (frame) => JSON.parse(frame) as { payload: unknown },
  );
  expect(welcome?.payload).toMatchObject({
    recovered: false,
    offset: expect.stringContaining(`${epoch}.1,`),
  });
  expect(gap?.payload).toMatchObject({ after: "e1.0", next: `${epoch}.2` });
  expect(more).toEqual([]);
  stage.history.stop();
});
