import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { startProcess, untilReady } from "../support/process.ts";
import { freePort, startRedis } from "../support/redis-server.ts";

setDefaultTimeout(60_000);

const NAME = "redis.tidings.test";

/** Whether a process can have an `/etc/hosts` of its own here. */
const cannot =
  process.env["CI"] !== "true" &&
  (Bun.which("unshare") === null || Bun.spawnSync(["unshare", "-m", "true"]).exitCode !== 0);

test.skipIf(cannot)(
  "fault.dns.unknown-then-known: a host name that nobody knows is named as the fault, and Redis is found once it is known",
  async () => {
    await using redis = await startRedis();
    const directory = await mkdtemp(join(tmpdir(), "tidings-dns-"));
    const hosts = join(directory, "hosts");
    await writeFile(hosts, "127.0.0.1 localhost\n");
    const port = await freePort();
    const own = `mount --bind ${hosts} /etc/hosts && exec ${process.execPath} packages/server/src/cli/main.ts serve`;
    await using relay = startProcess(["unshare", "-m", "sh", "-c", own], {
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: String(port),
      TIDINGS_REDIS_URL: `redis://:geheim@${NAME}:${redis.port}`,
      TIDINGS_INSECURE_USER_ID: "true",
    });
    await redis.cli("CONFIG", "SET", "requirepass", "geheim");
    await eventually("the fault is named", () => relay.output().includes("the host name of Redis"));
    const refused = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([refused.status, await refused.text()]).toEqual([
      503,
      expect.stringContaining("the host name of Redis"),
    ]);
    await writeFile(hosts, `127.0.0.1 localhost ${NAME}\n`);
    await untilReady(port);
    expect(relay.output()).not.toContain("geheim");
    await rm(directory, { recursive: true });
  },
);
