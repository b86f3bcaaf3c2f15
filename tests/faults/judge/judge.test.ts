import { expect, test } from "bun:test";
import type { Evidence } from "./evidence.ts";
import { judge } from "./judge.ts";
import { alice, attempt, evidence, gap, standing, update } from "./sample-evidence.ts";

const three = ["e.1", "e.2", "e.3"].map((offset) => attempt(offset));
const welcome = standing("e.0,*b.0");

function kinds(changes: Partial<Evidence>): string[] {
  return judge(evidence(changes)).map(({ invariant, kind }) => `${invariant} ${kind}`);
}

test("a run in which everything arrived once and in order breaks nothing", () => {
  const back = standing("e.1,*b.0", { at: 26, since: "e.1,*b.0", recovered: true, following: 2 });
  const applications = [alice([welcome, update("e.1")], [back, update("e.2"), update("e.3")])];
  expect(kinds({ attempts: three, applications })).toEqual([]);
});

test("I1: an update that nobody published is found", () => {
  const applications = [alice([welcome, update("e.1")])];
  expect(kinds({ applications })).toEqual(["I1 invented"]);
});

test("I1: an update that arrives although its publisher was told that it was refused is found", () => {
  const attempts = [attempt("e.1", { result: "fail" })];
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1")])] })).toEqual(["I1 refused"]);
});

test("I2: an update of another user is found", () => {
  const attempts = [attempt("e.1", { target: "bob" })];
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1")])] })).toEqual(["I2 wrong_user"]);
});

test("I3: an update that comes twice on one connection is found", () => {
  const applications = [alice([welcome, update("e.1"), update("e.1"), update("e.2"), update("e.3")])];
  expect(kinds({ attempts: three, applications })).toEqual(["I3 duplicate", "I3 order"]);
});

test("I3: an update that comes again after a resume is found", () => {
  const back = standing("e.1,*b.0", { at: 16, since: "e.1,*b.0", recovered: true, following: 0 });
  const applications = [alice([welcome, update("e.1")], [back, update("e.1"), update("e.2"), update("e.3")])];
  expect(kinds({ attempts: three, applications })).toEqual(["I3 duplicate", "I3 order"]);
});

test("I3: updates in the wrong order are found", () => {
  const applications = [alice([welcome, update("e.1"), update("e.3"), update("e.2")])];
  expect(kinds({ attempts: three, applications })).toEqual(["I4 hole", "I3 order"]);
});

test("I3: an epoch that comes back is found", () => {
  const attempts = ["e.1", "f.1", "e.2"].map((offset) => attempt(offset));
  const change = (next: string) => gap({ reason: "epoch_changed", next });
  const events = [welcome, update("e.1"), change("f.1"), update("f.1"), change("e.2"), update("e.2")];
  expect(kinds({ attempts, applications: [alice(events)] })).toEqual(["I3 epoch_returned"]);
});

test("I3: an update that is stored twice is found, in the store and at a client", () => {
  const attempts = [attempt("e.1")];
  const stored = [1, 2].map((n) => ({ target: "alice", key: "update e.1", offset: `e.${n}` }));
  expect(kinds({ attempts, stored })).toEqual(["I3 stored_twice", "I3 wrong_answer"]);
  const events = [welcome, update("e.1"), update("e.2", { key: "update e.1" })];
  expect(kinds({ attempts, applications: [alice(events)] })).toEqual(["I3 stored_twice"]);
});

test("I4: an acknowledged update that an application neither saw nor was told of is found", () => {
  expect(kinds({ attempts: three, applications: [alice([welcome, update("e.1"), update("e.2")])] })).toEqual([
    "I4 lost",
  ]);
});

test("I4: a step over an update is found, be it acknowledged or not", () => {
  const attempts = [attempt("e.1"), attempt(null, { key: "?", result: "unknown" }), attempt("e.3")];
  const applications = [alice([welcome, update("e.1"), update("e.3")])];
  expect(kinds({ attempts, applications })).toEqual(["I4 hole"]);
});

test("I4: a reconnect without an offset, as if nothing had been missed, is found", () => {
  const applications = [alice([welcome, update("e.1")], [standing("e.2,*b.0", { at: 26 }), update("e.3")])];
  expect(kinds({ attempts: three, applications })).toEqual(["I4 hole", "I4 lost"]);
});

test("I4: an update sent before an application first stood anywhere is not owed to it", () => {
  const applications = [alice([standing("e.2,*b.0", { at: 26 }), update("e.3")])];
  expect(kinds({ attempts: three, applications })).toEqual([]);
});

test("I4: what was announced as missing may be missing, and no more than that", () => {
  const told = { recovered: false, reason: "trimmed", since: "e.1,*b.0", at: 40 } as const;
  const rest = [update("e.1")];
  const after = (offset: string) => [
    alice([welcome, ...rest], [standing(offset, told), update("e.3", { at: 45 })]),
  ];
  expect(kinds({ attempts: three, applications: after("e.2,*b.0") })).toEqual([]);
  expect(kinds({ attempts: three, applications: after("e.1,*b.0") })).toEqual(["I4 hole", "I4 lost"]);
  const gapped = (next: string) => [
    alice([welcome, ...rest, gap({ at: 34, after: "e.1", next }), update("e.3")]),
  ];
  expect(kinds({ attempts: three, applications: gapped("e.3") })).toEqual([]);
  expect(kinds({ attempts: three, applications: gapped("e.2") })).toEqual(["I4 hole", "I4 lost"]);
});

test("I4: a tail that was lost is announced by a change of epoch, and only by one that came later", () => {
  const attempts = [attempt("e.1"), attempt("e.2"), attempt("f.1", { sentAt: 50 })];
  const change = gap({ reason: "epoch_changed", at: 40, after: "e.1", next: "f.1" });
  const last = update("f.1", { at: 55 });
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1"), change, last])] })).toEqual([]);
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1"), last])] })).toEqual([
    "I4 epoch_unannounced",
    "I4 lost",
  ]);
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1"), change])] })).toEqual(["I4 lost"]);
});

test("I4: an update of an epoch that nobody saw is owed, unless an announcement followed it", () => {
  const attempts = [attempt("e.1"), attempt("x.1", { sentAt: 30 })];
  const change = (at: number) => gap({ reason: "epoch_changed", at, after: "e.1" });
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1"), change(40)])] })).toEqual([]);
  expect(kinds({ attempts, applications: [alice([welcome, update("e.1"), change(20)])] })).toEqual([
    "I4 lost",
  ]);
});

test("I4: after an announced loss an application resumes from where it was put", () => {
  const attempts = [
    attempt("e.1"),
    attempt("e.2"),
    attempt("f.5", { sentAt: 50 }),
    attempt("f.6", { sentAt: 60 }),
  ];
  const lost = standing("f.4,*b.0", { at: 40, recovered: false, reason: "epoch_changed", since: "e.1,*b.0" });
  const back = standing("f.4,*b.0", { at: 55, recovered: true, following: 1, since: "f.4,*b.0" });
  const applications = [
    alice([welcome, update("e.1")], [lost], [back, update("f.5", { at: 56 }), update("f.6", { at: 65 })]),
  ];
  expect(kinds({ attempts, applications })).toEqual([]);
});

test("I4: a broadcast is owed to everybody", () => {
  const attempts = [attempt("*b.1", { target: "*", sentAt: 10 })];
  expect(kinds({ attempts, applications: [alice([welcome])] })).toEqual(["I4 lost"]);
  expect(kinds({ attempts, applications: [alice([welcome, update("*b.1")])] })).toEqual([]);
});

test("I4: a welcome that miscounts, does not answer, mixes its replay or recovers from elsewhere is found", () => {
  const attempts = [...three.slice(0, 2), attempt("*b.1", { target: "*", sentAt: 21 })];
  const again = (changes: Parameters<typeof standing>[1], offset = "e.1,*b.0", ...rest: string[]) =>
    kinds({
      attempts,
      applications: [
        alice(
          [welcome, update("e.1")],
          [
            standing(offset, { at: 30, since: "e.1,*b.0", recovered: true, ...changes }),
            ...rest.map((each) => update(each, { at: 40 })),
          ],
        ),
      ],
    });
  expect(again({ following: 2 }, "e.1,*b.0", "e.2", "*b.1")).toEqual([]);
  expect(again({ following: 3 }, "e.1,*b.0", "e.2", "*b.1")).toEqual(["I4 miscounted"]);
  expect(again({ following: 2 }, "e.1,*b.0", "*b.1", "e.2")).toEqual(["I4 miscounted"]);
  expect(again({ recovered: null }, "e.1,*b.0", "e.2", "*b.1")).toEqual(["I4 unanswered"]);
  expect(again({ recovered: false }, "e.1,*b.0", "e.2", "*b.1")).toEqual(["I4 unexplained"]);
  expect(again({ following: 1 }, "e.2,*b.0", "*b.1")).toEqual([
    "I4 false_recovery",
    "I4 false_recovery",
    "I4 lost",
  ]);
});

test("I4: plain PUBLISH may lose updates in a fault, and its counter must show the hole", () => {
  const plain = { path: "plain", producer: "p" } as const;
  const attempts = [1, 2, 3].map((seq) =>
    attempt(null, { ...plain, key: `update e.${seq === 3 ? 2 : seq}`, seq, sentAt: seq * 2_000 }),
  );
  const lost = attempts.map((each) => (each.seq === 2 ? { ...each, key: "gone" } : each));
  const stored = [1, 2].map((n) => ({ target: "alice", key: `update e.${n}`, offset: `e.${n}` }));
  const faults = [{ name: "fault", from: 3_000, to: 4_500, mayLose: true }];
  const hole = gap({ reason: "seq", producer: "p", from: 2, to: 2 });
  const silent = [alice([welcome, update("e.1"), update("e.2")])];
  const loud = [alice([welcome, update("e.1"), hole, update("e.2")])];
  expect(kinds({ attempts: lost, stored, faults, applications: loud })).toEqual([]);
  expect(kinds({ attempts: lost, stored, faults, applications: silent })).toEqual(["I4 hole_unannounced"]);
  expect(kinds({ attempts: lost, stored, applications: loud })).toEqual(["I4 lost_outside_fault"]);
});

test("I5: without history a loss outside a fault, a duplicate, a wrong order and an uncounted cut are found", () => {
  const attempts = ["a", "b", "c"].map((key, index) => attempt(null, { key, sentAt: 2_000 * index }));
  const seen = (...keys: string[]) => [
    alice([standing("e.0"), ...keys.map((key) => update("e.1", { key, offset: null }))]),
  ];
  const run = (applications: Evidence["applications"], more: Partial<Evidence> = {}) =>
    kinds({ history: false, attempts, applications, ...more });
  expect(run(seen("a", "b", "c"))).toEqual([]);
  expect(run(seen("a", "c"))).toEqual(["I5 lost_outside_fault"]);
  expect(run(seen("a", "c"), { faults: [{ name: "f", from: 1_900, to: 2_100, mayLose: true }] })).toEqual([]);
  expect(run(seen("a", "b", "b", "c"))).toEqual(["I3 duplicate"]);
  expect(run(seen("a", "c", "b"))).toEqual(["I5 order"]);
  const counts = {
    relay: "r",
    handshakes: 0,
    framesSent: 0,
    framesDropped: 0,
    deliveries: 0,
    isExact: false,
  };
  expect(run(seen("a", "b", "c"), { relays: [{ ...counts, resubscriptions: 1, cuts: 2 }] })).toEqual([
    "I5 uncounted",
  ]);
});
