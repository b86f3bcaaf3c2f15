import { describe, expect, test } from "bun:test";
import { closeCodes, resumeFaults, updateFaults } from "@tidings/protocol";
import { createClient } from "@redis/client";
import { settingList } from "../../packages/server/src/config/catalog.ts";
import { JoinedMetrics } from "../../packages/server/src/supervisor/joined-metrics.ts";
import { available, REDIS_CLI } from "../clients/tools.ts";
import { eventually } from "../support/eventually.ts";
import { startRedis } from "../support/redis-server.ts";
import { startTestRelay } from "../support/test-relay.ts";
import { codeBlocks, readDocument, root, tableRows } from "./code-blocks.ts";

const protocol = await readDocument("docs/protocol.md");
const http = await readDocument("docs/http.md");
const operations = await readDocument("docs/operations.md");
const limits = await readDocument("docs/limits.md");

/** A cell without the backquotes around it. */
const bare = (cell = ""): string => cell.replace(/^`(.*)`$/, "$1");

describe("docs/protocol.md", () => {
  test("has every close code as the code has it, and no other", () => {
    const rows = tableRows(protocol.slice(protocol.indexOf("## Close codes")), "Code");
    const expected = Object.values(closeCodes).map(({ code, name, comeBack, meaning }) => {
      return [String(code), name, comeBack, meaning];
    });
    expect(rows.map((row) => row.map(bare))).toEqual(expected);
  });

  test("has every reason for which an update is malformed, and no other", () => {
    expect(tableRows(protocol, "Reason").map((row) => row.map(bare))).toEqual(Object.entries(updateFaults));
  });

  test("has every reason for which a client cannot resume, and no other", () => {
    const rows = tableRows(protocol, "Reason for `recovered: false`");
    expect(rows.map(([reason, meaning]) => [bare(reason), meaning])).toEqual(Object.entries(resumeFaults));
  });

  test("shows frames that are JSON", () => {
    const examples = codeBlocks(protocol + http).filter(({ language }) => language === "json");
    expect(examples.length).toBeGreaterThan(8);
    for (const { code } of examples) expect(() => JSON.parse(code) as unknown).not.toThrow();
  });

  test("shows the welcome that a client gets", async () => {
    await using relay = await startTestRelay({
      settings: { jwt_secret: "0123456789abcdef0123456789abcdef" },
    });
    const client = await relay.connect("alice", { protocols: ["tidings.v1"] });
    const welcome = await client.frame("tidings.welcome");
    const example = codeBlocks(protocol).find(({ code }) => code.includes("tidings.welcome"))?.code ?? "{}";
    const variable = { connection_id: expect.any(String), expires_in_ms: null };
    const shown = JSON.parse(example) as { type: string; payload: object };
    expect(welcome).toEqual({ type: shown.type, payload: { ...shown.payload, ...variable } });
  });

  test("shows the welcome that a client gets which resumes", async () => {
    await using relay = await startTestRelay({ settings: { history: true } });
    const update = { target_user_id: "alice", type: "t", payload: 1 };
    const since = await relay.store(update);
    for (let count = 0; count < 3; count += 1) await relay.store(update);
    const url = `${relay.url}/ws?user_id=alice&since=${since}`;
    const client = await relay.connect("alice", { protocols: ["tidings.v1"], url });
    const welcome = await client.frame("tidings.welcome");
    const [, example = "{}"] = codeBlocks(protocol).flatMap(({ code }) =>
      code.includes("tidings.welcome") ? [code] : [],
    );
    const shown = JSON.parse(example) as { type: string; payload: object };
    const variable = {
      connection_id: expect.any(String),
      offset: expect.stringMatching(/^\w+\.1,\*\w+\.0$/),
    };
    expect(welcome).toEqual({ type: shown.type, payload: { ...shown.payload, ...variable } });
  });
});

describe("docs/http.md", () => {
  test("has every problem that the relay can answer with, and no other", async () => {
    const sources = new Bun.Glob("packages/server/src/{http,websocket}/*.ts").scan(root);
    const codes = new Set(["fleet_incomplete"]);
    for await (const path of sources) {
      if (path.endsWith(".test.ts")) continue;
      const text = await readDocument(path);
      for (const [, code = ""] of text.matchAll(/status: \d+,\s*code: "(\w+)"/g)) codes.add(code);
    }
    const documented = tableRows(http, "Status").map((row) => bare(row[1]));
    expect(documented.toSorted()).toEqual([...codes].toSorted());
  });
});

describe("docs/operations.md", () => {
  test("has every metric that a relay exposes with its type, and no other", async () => {
    const documented = (table: string): string[] =>
      tableRows(operations, table).map((row) => `${bare(row[0])} ${row[1]}`);
    const always = documented("Metric");
    for (const history of [false, true]) {
      await using relay = await startTestRelay({ settings: { history } });
      const text = await (await relay.http("/metrics")).text();
      const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
      const expected = history ? [...always, ...documented("Metric of history")] : always;
      expect(expected.toSorted()).toEqual(exposed.toSorted());
    }
  });

  test("has every metric that a relay of several processes exposes beside them, and no other", async () => {
    const rows = (table: string): readonly string[] =>
      tableRows(operations, table).map((row) => `${bare(row[0])} ${row[1]}`);
    const always = new Set(rows("Metric"));
    const { text } = await new JoinedMetrics().expose([]);
    const exposed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const further = exposed.filter((metric) => !always.has(metric));
    expect(rows("Metric of several processes").toSorted()).toEqual(further.toSorted());
  });

  test.skipIf(!available(REDIS_CLI))(
    "gives Redis users that are enough for a relay and a worker",
    async () => {
      await using redis = await startRedis();
      const block = codeBlocks(operations).find(({ code }) => code.includes("ACL SETUSER"))?.code ?? "false";
      const script = block.replaceAll("redis-cli ", `redis-cli -e -p ${redis.port} `);
      const shell = Bun.spawn(["sh", "-e", "-c", script], { stdout: "pipe", stderr: "inherit" });
      expect(await shell.exited).toBe(0);
      const address = `127.0.0.1:${redis.port}`;
      const settings = { redis_url: `redis://relay:relay-password@${address}`, api_key: "an-api-key" };
      await using relay = await startTestRelay({ redis, settings });
      const client = await relay.connect("alice");
      const worker = createClient({ url: `redis://worker:worker-password@${address}` });
      worker.on("error", () => {});
      await worker.connect();
      await worker.publish("updates", '{"target_user_id":"alice","type":"t","payload":1}');
      await client.received(1);
      const headers = { authorization: "Bearer an-api-key" };
      expect((await relay.http("/v1/users/alice", { headers })).status).toBe(200);
      expect(worker.publish("inbound", "{}")).rejects.toThrow("NOPERM");
      const listener = worker.duplicate();
      listener.on("error", () => {});
      await listener.connect();
      const heard: string[] = [];
      await listener.subscribe("inbound", (message) => void heard.push(message));
      client.send({ type: "ask" });
      await eventually("the worker hears the client", () => heard.length === 1);
      expect(listener.subscribe("updates", () => {})).rejects.toThrow("NOPERM");
      worker.destroy();
      listener.destroy();
    },
  );
});

test.skipIf(!available(REDIS_CLI))(
  "docs/operations.md gives Redis users that are enough for history, where the library is loaded by hand too",
  async () => {
    const blocks = codeBlocks(operations).filter(({ code }) => code.includes("ACL SETUSER"));
    const code = blocks.find((block) => block.code.includes("+fcall"))?.code ?? "false";
    for (const mayLoad of [true, false]) {
      await using redis = await startRedis();
      const given = mayLoad ? code : code.replace(" '+function|load'", "");
      const library = "tidings library --config tidings.yaml | redis-cli -x FUNCTION LOAD REPLACE";
      expect(operations).toContain(library);
      const load = library
        .replace(
          "tidings library --config tidings.yaml",
          `"${process.execPath}" packages/server/src/cli/main.ts library`,
        )
        .replace("redis-cli", `redis-cli -e -p ${redis.port}`);
      const script = `${given.replaceAll("redis-cli ", `redis-cli -e -p ${redis.port} `)}${mayLoad ? "" : load}`;
      const shell = Bun.spawn(["sh", "-e", "-c", script], { cwd: root, stdout: "pipe", stderr: "inherit" });
      expect(await shell.exited).toBe(0);
      const address = `127.0.0.1:${redis.port}`;
      const settings = { redis_url: `redis://relay:relay-password@${address}`, history: true };
      await using relay = await startTestRelay({ redis, settings });
      const url = `${relay.url}/ws?user_id=alice&since=earliest`;
      const client = await relay.connect("alice", { url });
      const worker = createClient({ url: `redis://worker:worker-password@${address}` });
      worker.on("error", () => {});
      await worker.connect();
      const update = (n: number): string =>
        `{"target_user_id":"alice","type":"t","payload":${n},"id":${n},"seq":${n}}`;
      const store = (n: number): Promise<unknown> =>
        worker.fCall("tidings_publish", { keys: ["tidings:{alice}:log"], arguments: [update(n)] });
      for (let n = 1; n <= 40; n += 1) expect(String(await store(n))).toEndWith(`.${n}`);
      expect(String(await store(40))).toEndWith(".40");
      await worker.publish("updates", update(41));
      await client.received(41);
      worker.destroy();
    }
  },
  30_000,
);

test("docs/limits.md has the default of every setting that it names", () => {
  const defaults = new Map(settingList.map(({ variable, defaultText }) => [variable, defaultText]));
  const rows = limits.split("\n").flatMap((line) => {
    const found = /^\|[^|]*\| `(TIDINGS_\w+)` *\| `([^`]*)` *\|/.exec(line);
    return found === null ? [] : [[found[1] ?? "", found[2]] as const];
  });
  expect(rows.length).toBeGreaterThan(12);
  for (const [variable, written] of rows)
    expect([variable, written]).toEqual([variable, defaults.get(variable) ?? ""]);
});
