import { startRedis } from "../../tests/support/redis-server.ts";
import { LOAD_CORE, SERVER_CORE } from "../cores.ts";
import { pinProcess } from "../load/child.ts";
import { Load } from "../load/load.ts";
import { invalid, type Measured } from "../measured.ts";
import { processCost } from "../process-cost.ts";
import { startRelayProcess } from "../server-process.ts";
import type { TakeDown } from "../take-down.ts";
import { CONNECTIONS } from "./workloads.ts";

/** What is open on a relay whose memory is measured. */
export interface MemoryCase {
  readonly name: string;
  readonly speaksTidings: boolean;
}

/** The two kinds of clients. */
export const memoryCases: readonly MemoryCase[] = [
  { name: "a plain connection", speaksTidings: false },
  { name: "a Tidings connection", speaksTidings: true },
];

/** Memory counts as settled when it moved less than this share in a second. */
const SETTLED = 0.005;
const SETTLE_SECONDS = 12;

/** Bytes of resident memory that each idle connection holds on a fresh relay, once all garbage is collected. */
export async function idleMemory(
  takeDown: TakeDown,
  { speaksTidings }: MemoryCase,
  hasHistory: boolean,
): Promise<Measured> {
  await using redis = await takeDown.use(startRedis());
  pinProcess(redis.pid, LOAD_CORE);
  const environment = { TIDINGS_HISTORY: String(hasHistory), TIDINGS_LOG_LEVEL: "warn" };
  const relay = { redisPort: redis.port, core: SERVER_CORE, environment };
  await using server = await takeDown.use(startRelayProcess(relay));
  await using load = new Load(LOAD_CORE);
  await server.collect();
  const before = await settledMemory(server.pid);
  const users = { count: CONNECTIONS, firstUser: 1, users: CONNECTIONS };
  const opened = await load.call("open", { port: server.port, ...users, speaksTidings });
  if (opened.open !== CONNECTIONS) return invalid(`${opened.refused} of ${CONNECTIONS} handshakes failed`);
  await settledMemory(server.pid);
  await server.collect();
  return { ok: true, value: ((await settledMemory(server.pid)) - before) / CONNECTIONS };
}

/** Resident memory once it stands still, or after a while where it never does. */
async function settledMemory(pid: number): Promise<number> {
  let last = processCost.residentBytes(pid);
  for (let second = 0; second < SETTLE_SECONDS; second += 1) {
    await Bun.sleep(1_000);
    const now = processCost.residentBytes(pid);
    if (Math.abs(now - last) < last * SETTLED) return now;
    last = now;
  }
  return last;
}
