import { expect, test } from "bun:test";
import { takeSharedPort } from "./shared-port.ts";

const host = "127.0.0.1";

function serve(port: number, reusePort: boolean): Disposable & { readonly port: number } {
  const server = Bun.serve({
    hostname: host,
    port,
    reusePort,
    development: false,
    fetch: () => new Response(),
  });
  return { port: server.port ?? 0, [Symbol.dispose]: () => void server.stop(true) };
}

test("a port is given out once, and again when it was given back", () => {
  const first = takeSharedPort(host, 0);
  expect(first.port).toBeGreaterThan(0);
  expect(() => takeSharedPort(host, first.port)).toThrow(
    `cannot listen on ${host}:${first.port}: the port is in use; stop what listens there, or set another one`,
  );
  first[Symbol.dispose]();
  using again = takeSharedPort(host, first.port);
  expect(again.port).toBe(first.port);
});

test("workers share the port that was taken for them", () => {
  using taken = takeSharedPort(host, 0);
  using one = serve(taken.port, true);
  using two = serve(taken.port, true);
  expect([one.port, two.port]).toEqual([taken.port, taken.port]);
});

test.each([true, false])("a port that somebody listens on is refused (shared: %p)", (isShared) => {
  using listener = serve(0, isShared);
  expect(() => takeSharedPort(host, listener.port)).toThrow("the port is in use");
});
