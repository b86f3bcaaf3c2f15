import { expect, test } from "bun:test";
import { joinedHealth } from "./joined-health.ts";

test("all are healthy together, with the longest lag", () => {
  const health = (lagMs: number) => ({ ok: true, lagMs }) as const;
  const workers = [
    { worker: 1, health: health(2) },
    { worker: 2, health: health(5) },
  ];
  expect(joinedHealth(workers)).toEqual({ ok: true, lagMs: 5 });
});

test("each reason is told once, with the workers that have it", () => {
  const away = { ok: false, reason: "Redis is away." } as const;
  const workers = [
    { worker: 1, health: away },
    { worker: 2, health: { ok: true, lagMs: 1 } as const },
    { worker: 3, health: { ok: false, reason: "It starts." } as const },
    { worker: 4, health: away },
  ];
  expect(joinedHealth(workers)).toEqual({
    ok: false,
    reason: "Worker processes 1, 4 of 4: Redis is away. Worker process 3 of 4: It starts.",
  });
});
