import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { root } from "../support/process.ts";
import { freePort } from "../support/redis-server.ts";
import { exampleTest, fullTest } from "./support/form.ts";
import { preparedExample } from "./support/prepared-example.ts";

/** How long a start may take before the test gives up, in milliseconds. */
const patienceMs = 60_000;

interface Example extends AsyncDisposable {
  readonly url: string;
  readonly exited: Promise<number>;
  output(): string;
  /** Every process that it consists of, and how each was called. */
  processes(): ReadonlyMap<number, string>;
  /** Presses Ctrl-C in its terminal, which tells all processes of the foreground group. */
  interrupt(): void;
}

/** Runs `npm run example` as the foreground of a terminal of its own, on free ports and with a store of its own. */
async function startExample(): Promise<Example> {
  await preparedExample();
  const data = await mkdtemp(join(tmpdir(), "tidings-example-"));
  const [web, relay, agent] = [await freePort(), await freePort(), await freePort()];
  const child = Bun.spawn(["npm", "run", "--silent", "example"], {
    cwd: root,
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: {
      ...process.env,
      PORT: String(web),
      TIDINGS_PORT: String(relay),
      TIDINGS_EMBEDDED_PORT: "0",
      AGENT_PORT: String(agent),
      AGENT_DATA: data,
    },
  });
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const part of stream) output += decoder.decode(part, { stream: true });
  };
  void collect(child.stdout);
  void collect(child.stderr);
  const url = `http://localhost:${web}`;
  const example: Example = {
    url,
    exited: child.exited,
    output: () => output,
    processes: () => descendants(child.pid),
    interrupt: () => process.kill(-child.pid, "SIGINT"),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) example.interrupt();
      await child.exited;
      await rm(data, { recursive: true, force: true });
    },
  };
  const isUp = (): boolean => output.includes(`Quill  ${url}`) || child.exitCode !== null;
  try {
    await eventually("the address is printed", isUp, patienceMs);
    expect(output).toContain(`Quill  ${url}`);
  } catch (error) {
    await example[Symbol.asyncDispose]();
    throw new Error(`${String(error)}\n${output}`, { cause: error });
  }
  return example;
}

/** A process and all that it and its children started, by id, with their command lines. */
function descendants(ancestor: number): ReadonlyMap<number, string> {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // It ended while the list was read.
    }
  }
  const family = new Map<number, string>();
  const add = (pid: number): void => {
    family.set(pid, commandOf(pid));
    for (const [child, parent] of parents) if (parent === pid) add(child);
  };
  add(ancestor);
  return family;
}

/** How a process was called; empty where it is gone. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** The processes of a list that still live. */
function alive(processes: ReadonlyMap<number, string>): string[] {
  return [...processes]
    .filter(([pid, call]) => call !== "" && commandOf(pid) === call)
    .map(([, call]) => call);
}

exampleTest(
  "npm run example prints an address that answers, and Ctrl-C leaves no process behind",
  async () => {
    await using example = await startExample();
    const page = await fetch(`${example.url}/sign-in`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("Sign in to Quill");
    const processes = example.processes();
    for (const part of ["cli/main.ts dev", "-m agent", "next-server"]) {
      expect([...processes.values()].filter((call) => call.includes(part))).toHaveLength(1);
    }
    example.interrupt();
    expect(await example.exited).toBe(0);
    expect(alive(processes)).toEqual([]);
    expect(example.output()).not.toContain("Error");
  },
);

fullTest("where one part of the example dies the others end too, and it says which", async () => {
  await using example = await startExample();
  const processes = example.processes();
  const worker = [...processes].find(([, call]) => call.includes("-m agent"));
  if (worker === undefined) throw new Error("there is no worker");
  process.kill(worker[0], "SIGKILL");
  expect(await example.exited).toBe(1);
  expect(alive(processes)).toEqual([]);
  expect(example.output()).toContain("the worker ended by itself (SIGKILL)");
});
