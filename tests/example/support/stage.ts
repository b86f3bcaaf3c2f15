import { join } from "node:path";
import { type RelayProcess, startRelay } from "../../faults/support/relay-process.ts";
import { eventually } from "../../support/eventually.ts";
import { root, type RunningProcess, startProcess } from "../../support/process.ts";
import { freePort, type RedisServer, startRedis } from "../../support/redis-server.ts";
import { type Agent, agentKey, startAgent } from "./agent.ts";
import type { Model } from "./model.ts";
import { preparedExample } from "./prepared-example.ts";

/** How a stage differs from the usual one. */
export interface StageOptions {
  /** How fast the worker quotes. 40 unless given. */
  readonly wordsPerSecond?: number;
  /** Who writes the answers instead, for as long as the test lets it. */
  readonly model?: Model;
  /** Port at which browsers find the relay; the relay's own unless given. */
  readonly relayPort?: (relay: RelayProcess) => Promise<number>;
}

/** The example as it is run: a real Redis, a relay, the Python worker and the production build of the web application. */
export interface Stage extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly relay: RelayProcess;
  readonly agent: Agent;
  /** Address of the web application. */
  readonly url: string;
  /** How many connections a user has at the relay. */
  connections(user: string): Promise<number>;
}

const jwtSecret = "secret-of-the-example-0123456789abcdef";
const apiKey = "key-of-the-example-s-relay-0123456789";

/** Starts everything and resolves when it is ready. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  await preparedExample();
  await using disposables = new AsyncDisposableStack();
  const redis = disposables.use(await startRedis({ args: ["--appendonly", "yes"] }));
  const webPort = await freePort();
  const url = `http://127.0.0.1:${webPort}`;
  const relay = disposables.use(
    await startRelay({
      name: "relay",
      redisUrl: redis.url,
      settings: {
        TIDINGS_HISTORY: "true",
        TIDINGS_JWT_SECRET: jwtSecret,
        TIDINGS_INSECURE_USER_ID: "false",
        TIDINGS_ALLOWED_ORIGINS: url,
        TIDINGS_API_KEY: apiKey,
      },
    }),
  );
  const agent = disposables.use(
    await startAgent(redis.url, {
      AGENT_WORDS_PER_SECOND: String(options.wordsPerSecond ?? 40),
      ...options.model?.environment,
    }),
  );
  const relayPort = (await options.relayPort?.(relay)) ?? relay.port;
  disposables.use(
    await startWeb(webPort, {
      RELAY_URL: `http://127.0.0.1:${relayPort}`,
      RELAY_INTERNAL_URL: relay.url,
      AGENT_URL: agent.url,
    }),
  );
  const held = disposables.move();
  return {
    redis,
    relay,
    agent,
    url,
    async connections(user) {
      const headers = { authorization: `Bearer ${apiKey}` };
      const response = await fetch(`${relay.url}/v1/users/${user}`, { headers });
      return ((await response.json()) as { connections: number }).connections;
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

async function startWeb(
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const next = join(root, "examples/next-agent/node_modules/next/dist/bin/next");
  const web = startProcess(
    ["node", next, "start", "examples/next-agent", "-p", String(port), "-H", "127.0.0.1"],
    {
      NEXT_TELEMETRY_DISABLED: "1",
      SESSION_SECRET: "secret-of-the-sessions",
      TIDINGS_JWT_SECRET: jwtSecret,
      TIDINGS_API_KEY: apiKey,
      AGENT_KEY: agentKey,
      ...environment,
    },
  );
  const answers = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/sign-in`).then(
      ({ ok }) => ok,
      () => false,
    );
  try {
    await eventually("the web application answers", answers);
  } catch (error) {
    await web[Symbol.asyncDispose]();
    throw new Error(`${String(error)}\n${web.output()}`, { cause: error });
  }
  return web;
}
