import { expect, test } from "bun:test";
import { idHash } from "@tidings/protocol";
import fc from "fast-check";
import { UserFilter } from "./user-filter.ts";

test("nobody who is here is ever said to be elsewhere, however many come and go", () => {
  const id = fc.oneof(fc.stringMatching(/^[a-c]{1,3}$/), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 200 }), (steps) => {
      const users = new Set<string>();
      const filter = new UserFilter(() => users);
      for (const [comes, user] of steps) {
        if (comes === users.has(user)) continue;
        if (comes) {
          users.add(user);
          filter.add(user);
        } else {
          users.delete(user);
          filter.remove(user);
        }
        for (const one of users) expect(filter.mayHave(idHash(one))).toBe(true);
        expect(filter.mayHave(idHash("*"))).toBe(true);
      }
    }),
  );
});

test("most who are elsewhere are said to be, from few users to many and back", () => {
  const users = new Set<string>();
  const filter = new UserFilter(() => users);
  const strangersLetThrough = (): number => {
    let through = 0;
    for (let n = 0; n < 1_000; n += 1) if (filter.mayHave(idHash(`stranger-${n}`))) through += 1;
    return through;
  };
  for (let n = 0; n < 20_000; n += 1) {
    users.add(`user-${n}`);
    filter.add(`user-${n}`);
    if (n % 1_000 === 0) expect(strangersLetThrough()).toBeLessThan(200);
  }
  for (let n = 0; n < 20_000; n += 1) {
    users.delete(`user-${n}`);
    filter.remove(`user-${n}`);
  }
  expect(strangersLetThrough()).toBeLessThan(10);
});

test("a slot that counted more than it can count never says again that nobody is there", () => {
  const users = new Set<string>();
  const filter = new UserFilter(() => users);
  const meeting: string[] = [];
  for (let n = 0; meeting.length < 300; n += 1) {
    if ((idHash(`u${n}`) & 0xfff) === 7) meeting.push(`u${n}`);
  }
  for (const user of meeting) {
    users.add(user);
    filter.add(user);
    expect(filter.mayHave(idHash(user))).toBe(true);
  }
  const last = meeting.pop() ?? "";
  for (const user of meeting) {
    users.delete(user);
    filter.remove(user);
  }
  expect(filter.mayHave(idHash(last))).toBe(true);
});
