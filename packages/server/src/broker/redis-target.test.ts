import { describe, expect, test } from "bun:test";
import { parseRedisUrl } from "./redis-target.ts";

describe("parseRedisUrl", () => {
  test("reads host and port, and takes 6379 where no port is named", () => {
    expect(parseRedisUrl("redis://10.0.0.1:7000")).toEqual({
      host: "10.0.0.1",
      port: 7000,
      tls: false,
      database: 0,
    });
    expect(parseRedisUrl("redis://redis")).toEqual({ host: "redis", port: 6379, tls: false, database: 0 });
    expect(parseRedisUrl("redis://[::1]:7000")).toEqual({
      host: "::1",
      port: 7000,
      tls: false,
      database: 0,
    });
  });

  test("reads user and password with their escapes undone", () => {
    const { username, password } = parseRedisUrl("redis://re%40lay:p%2Fw%3A%20@redis");
    expect({ username, password }).toEqual({ username: "re@lay", password: "p/w: " });
    expect(parseRedisUrl("redis://:pw@redis")).toEqual({
      host: "redis",
      port: 6379,
      tls: false,
      database: 0,
      password: "pw",
    });
  });

  test("a user without a password logs in all the same", () => {
    const { username, password } = parseRedisUrl("redis://relay@redis");
    expect({ username, password }).toEqual({ username: "relay", password: "nopass" });
  });

  test("the path is the number of a database, and 0 where it is empty", () => {
    expect(parseRedisUrl("redis://redis/3").database).toBe(3);
    expect(parseRedisUrl("rediss://redis:7000/15?x=1").database).toBe(15);
    expect(parseRedisUrl("redis://redis/").database).toBe(0);
  });

  test("rediss:// means TLS, proved against the host's name where it has one", () => {
    expect(parseRedisUrl("rediss://redis.example.com")).toMatchObject({
      tls: true,
      serverName: "redis.example.com",
    });
    expect(parseRedisUrl("rediss://10.0.0.1").serverName).toBeUndefined();
  });

  test("an address that cannot be used is refused without being repeated", () => {
    const bad = ["sesame", "http://:sesame@redis", "redis://:sesame@redis:99999", "redis://:sesame%E0@redis"];
    const paths = ["redis://:sesame@redis/sesame", "redis://:sesame@redis/-1", "redis://:sesame@redis/1/2"];
    for (const url of [...bad, ...paths, "redis://:sesame@"]) {
      const refusal = fault(() => parseRedisUrl(url));
      expect(refusal).toBeInstanceOf(TypeError);
      expect(String(refusal)).not.toContain("sesame");
    }
  });
});

function fault(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return null;
}
