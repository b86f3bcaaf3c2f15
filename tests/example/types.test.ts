import { expect } from "bun:test";
import { startProcess } from "../support/process.ts";
import { exampleTest } from "./support/form.ts";
import { preparedExample } from "./support/prepared-example.ts";

exampleTest("the application and its tests hold to their types, which Next.js does not look at", async () => {
  await preparedExample();
  await using compiler = startProcess(["node_modules/.bin/tsc", "--noEmit", "-p", "examples/next-agent"]);
  const status = await compiler.exited;
  expect(compiler.output()).toBe("");
  expect(status).toBe(0);
});
