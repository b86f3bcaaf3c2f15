import { expect, test } from "bun:test";
import { capped, createLogger, faultText, type LoggerOptions } from "./log.ts";

function logging(options: Partial<LoggerOptions>): {
  lines: string[];
  logger: ReturnType<typeof createLogger>;
} {
  const lines: string[] = [];
  const destination = { write: (line: string): number => lines.push(line) };
  return { lines, logger: createLogger({ level: "info", destination, ...options }) };
}

test("a line is JSON with level, time and message", () => {
  const { lines, logger } = logging({});
  logger.info({ port: 8080 }, "listening");
  logger.debug("not at this level");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { level: "info", time: expect.stringMatching(/^\d{4}-.*Z$/), port: 8080, msg: "listening" },
  ]);
});

test("tokens, payloads and secrets are left out, also one level down", () => {
  for (const form of ["json", "human"] as const) {
    const { lines, logger } = logging({ form });
    logger.info(
      { token: "geheim", payload: "geheim", update: { payload: "geheim", authorization: "geheim" } },
      "hello",
    );
    expect(lines.join("")).not.toContain("geheim");
  }
});

test("a line for people is short, and coloured only where colours are asked for", () => {
  const plain = logging({ form: "human" });
  plain.logger.warn({ port: 8080, reason: "two words" }, "careful");
  expect(plain.lines).toEqual([
    expect.stringMatching(/^\d\d:\d\d:\d\d warn  careful {2}port=8080 reason="two words"\n$/),
  ]);
  const coloured = logging({ form: "human", colours: true });
  coloured.logger.warn("careful");
  expect(coloured.lines[0]).toContain("\u001b[33m");
});

test("an error's stack follows a line for people", () => {
  const { lines, logger } = logging({ form: "human" });
  logger.fatal({ err: new Error("broken") }, "leaving");
  expect(lines[0]).toMatch(/fatal leaving\nError: broken/);
});

test("a fault is told by kind, words and place, without what else it carries or what it could not read", () => {
  const fault = Object.assign(new TypeError("it broke"), { request: { body: "geheim" }, cause: "geheim" });
  expect(faultText(fault)).toMatch(/^TypeError: it broke\n\s+at /);
  expect(faultText(fault)).not.toContain("geheim");
  expect(faultText(thrown(() => JSON.parse('{"a": geheim}')))).toMatch(
    /^SyntaxError: \(not shown[^]*\n\s+at /,
  );
  expect(faultText(thrown(() => JSON.parse('{"a": geheim}')))).not.toContain("geheim");
  expect(faultText("words")).toBe("words");
  expect(faultText(new Error("x".repeat(9_000))).length).toBeLessThanOrEqual(2_000);
});

function thrown(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

test("a text from outside is cut, well-formed and without control characters", () => {
  expect(capped("short")).toBe("short");
  expect(capped("x".repeat(300))).toBe(`${"x".repeat(256)}…`);
  expect(capped("a\nb\u001b[31m")).toBe("a\\u000ab\\u001b[31m");
  expect(capped("😀😀", 3).isWellFormed()).toBe(true);
});
