import { beforeAll, describe, expect, test } from "bun:test";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./support/eventually.ts";
import { root, startProcess, untilReady } from "./support/process.ts";
import { freePort, startRedis } from "./support/redis-server.ts";
import { TestClient } from "./support/test-client.ts";

const executable = join(root, "dist/tidings");

describe("the executable", () => {
  beforeAll(async () => {
    const build = Bun.spawn(["node", "scripts/build.mjs"], {
      cwd: root,
      stdout: "ignore",
      stderr: "inherit",
    });
    expect(await build.exited).toBe(0);
  });

  test("serves alone, without the checkout, Node.js or a file beside it", async () => {
    await using redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), "tidings-executable-"));
    const port = await freePort();
    await using served = startProcess([
      "env",
      "-i",
      `--chdir=${folder}`,
      "TIDINGS_HOST=127.0.0.1",
      `TIDINGS_PORT=${port}`,
      `TIDINGS_REDIS_URL=${redis.url}`,
      "TIDINGS_INSECURE_USER_ID=true",
      "TIDINGS_DRAIN_WINDOW=200ms",
      executable,
      "serve",
    ]);
    await untilReady(port);
    const client = await TestClient.open({ url: `http://127.0.0.1:${port}/ws?user_id=alice` });
    await eventually("the update is taken", async () => {
      await redis.cli("publish", "updates", '{"target_user_id":"alice","type":"t","payload":1e400}');
      return client.texts.length > 0;
    });
    expect(client.texts[0]).toBe('{"type":"t","payload":1e400}');
    served.kill("SIGTERM");
    expect((await client.closed()).code).toBe(1001);
    expect(await served.exited).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });

  test("starts itself again as each of its workers, also after its file is gone", async () => {
    await using redis = await startRedis();
    const folder = await mkdtemp(join(tmpdir(), "tidings-executable-"));
    const copy = join(folder, "tidings");
    await copyFile(executable, copy);
    const port = await freePort();
    await using served = startProcess([
      "env",
      "-i",
      `TIDINGS_PORT=${port}`,
      `TIDINGS_REDIS_URL=${redis.url}`,
      "TIDINGS_INSECURE_USER_ID=true",
      copy,
      "serve",
      "--workers=2",
    ]);
    await untilReady(port);
    await rm(folder, { recursive: true });
    const pid = Number(/"worker":2,"pid":(\d+)/.exec(served.output())?.[1]);
    process.kill(pid, "SIGKILL");
    await eventually("another one took its place", async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return (
        metrics.includes("tidings_workers_ended_total 1") &&
        metrics.includes('tidings_workers{state="ready"} 2')
      );
    });
    served.kill("SIGTERM");
    expect(await served.exited).toBe(0);
  });

  test("refuses to serve where nobody could log in, and names the settings that change that", async () => {
    await using relay = startProcess(["env", "-i", executable, "serve"]);
    expect(await relay.exited).toBe(2);
    expect(relay.output()).toContain("TIDINGS_JWT_SECRET");
  });

  test("has the playground inside", async () => {
    const port = await freePort();
    await using _relay = startProcess([executable, "dev", "--port", String(port), "--embedded-port", "0"]);
    await untilReady(port);
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    const script = /src="([^"]+\.js)"/.exec(page)?.[1];
    expect(page).toContain("<title>");
    const code = await fetch(new URL(script ?? "none", `http://127.0.0.1:${port}/`));
    expect(code.status).toBe(200);
  });
});
