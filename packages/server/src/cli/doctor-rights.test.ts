import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type RedisServer, startRedis } from "../../../../tests/support/redis-server.ts";
import { defaultSettings } from "../config/load.ts";
import type { Finding } from "./doctor-finding.ts";
import { redisFindings } from "./doctor-redis.ts";

setDefaultTimeout(60_000);

const page = await Bun.file(new URL("../../../../docs/operations.md", import.meta.url)).text();

/** The rights that docs/operations.md gives a relay: without history first, then with it. */
const documented = Array.from(
  page.matchAll(/ACL SETUSER relay on '>relay-password' (.+)$/gm),
  ([, words = ""]) => words.replaceAll("'", "").split(" "),
);

/** With which the doctor sees what a user may do. */
const FOR_THE_DOCTOR = ["+acl|whoami", "+acl|dryrun"];

let redis: RedisServer;

beforeAll(async () => {
  redis = await startRedis();
});

afterAll(() => redis[Symbol.asyncDispose]());

async function examine(rights: readonly string[], history: boolean): Promise<readonly Finding[]> {
  await redis.cli("ACL", "SETUSER", "relay", "reset", "on", ">pw", ...rights, ...FOR_THE_DOCTOR);
  const url = redis.url.replace("//", "//relay:pw@");
  return redisFindings({ ...defaultSettings(), redis_url: url, history });
}

const faults = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(
    ({ level, check }) => level === "fail" || (level === "warn" && check.includes("permissions")),
  );

test("the documented rights of a relay are read from its page", () => {
  expect(documented.length).toBe(2);
});

for (const history of [false, true]) {
  const rights = documented[history ? 1 : 0] ?? [];
  const where = history ? "with history" : "without history";

  test(`fault.acl.documented: the rights that are documented for a relay ${where} are enough`, async () => {
    const tickets = history ? [] : ["+set", "~tidings:ticket:*"];
    expect(faults(await examine([...rights, ...tickets], history))).toEqual([]);
  });

  for (const right of rights.filter((word) => /^[+&~]/.test(word))) {
    test(`fault.acl.${right.slice(1)}: the doctor names what a relay ${where} lacks without ${right}, and what it then says to run is enough`, async () => {
      const left = rights.filter((word) => word !== right);
      const found = faults(await examine(left, history));
      expect(
        found
          .map(({ says }) => says)
          .join(" ")
          .toLowerCase(),
      ).toContain(spoken(right));
      for (const { mend = "" } of found) {
        const [, command] = /redis-cli (ACL SETUSER .+)$/.exec(mend) ?? [];
        if (command !== undefined) await redis.cli(...command.replaceAll("'", "").split(" "));
        const [, grant] = /grant '(\S+)'/.exec(mend) ?? [];
        if (grant !== undefined) await redis.cli("ACL", "SETUSER", "relay", grant);
      }
      const mended = await redisFindings({
        ...defaultSettings(),
        redis_url: redis.url.replace("//", "//relay:pw@"),
        history,
      });
      expect(faults(mended)).toEqual([]);
    });
  }
}

/** How a finding speaks of a right. */
function spoken(right: string): string {
  if (right === "+function|load") return "may not load it";
  const name = right.slice(1).replace("|", " ").replace("*", "");
  return name.toLowerCase();
}
