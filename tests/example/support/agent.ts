import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { root, type RunningProcess, startProcess } from "../../support/process.ts";
import { freePort } from "../../support/redis-server.ts";
import { preparedExample } from "./prepared-example.ts";

/** One run as the worker stores it. */
export interface StoredRun {
  readonly run: string;
  readonly thread: string;
  readonly question: string;
  readonly state: string;
  readonly answer: string;
  readonly code: string | null;
  readonly n: number;
}

/** The Python worker in a process of its own, with a store of its own. */
export interface Agent extends AsyncDisposable {
  readonly url: string;
  /** What it has stored of a user's conversations. */
  stored(user: string): Promise<readonly StoredRun[]>;
  /** Hands it a message over its own interface. Rejects with the status where it is not taken. */
  tell(user: string, type: string, payload: object): Promise<void>;
  /** Kills it and starts another on the same store. */
  restart(): Promise<void>;
  output(): string;
}

/** What the worker shares with the web application's server. */
export const agentKey = "key-of-the-example-s-worker";

/** Starts the worker, with these variables beside the usual ones, and resolves when it listens. */
export async function startAgent(
  redisUrl: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Agent> {
  await preparedExample();
  const data = await mkdtemp(join(tmpdir(), "tidings-example-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${agentKey}` };
  const start = async (): Promise<RunningProcess> => {
    const started = startProcess([join(root, "examples/python-agent/.venv/bin/python"), "-m", "agent"], {
      PYTHONPATH: [join(root, "examples/python-agent"), join(root, "sdks/python/src")].join(":"),
      REDIS_URL: redisUrl,
      AGENT_KEY: agentKey,
      AGENT_PORT: String(port),
      AGENT_DATA: data,
      ...environment,
    });
    const isReady = (): boolean => started.output().includes("ready on");
    await eventually("the worker listens", isReady).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${started.output()}`, { cause: error });
    });
    return started;
  };
  let running = await start();
  return {
    url,
    async stored(user) {
      const response = await fetch(`${url}/conversation?user=${user}`, { headers });
      return ((await response.json()) as { runs: readonly StoredRun[] }).runs;
    },
    async tell(user, type, payload) {
      const body = JSON.stringify({ user, type, payload });
      const { ok, status } = await fetch(`${url}/messages`, { method: "POST", headers, body });
      if (!ok) throw new Error(`the worker answered with status ${status}`);
    },
    async restart() {
      await running[Symbol.asyncDispose]();
      running = await start();
    },
    output: () => running.output(),
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await rm(data, { recursive: true, force: true });
    },
  };
}
