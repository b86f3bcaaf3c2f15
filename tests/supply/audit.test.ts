import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isGrave, readAudit } from "../../scripts/audit-answer.ts";
import { root } from "../support/process.ts";

interface Advised {
  readonly severity: string;
  /** The package that is said to be vulnerable in every version. */
  readonly name: string;
}

/** A registry that knows one advisory and says of each package asked for that it has the version 1.0.0. */
function startRegistry(advised: Advised | null): Bun.Server<undefined> {
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (request.method === "POST" && pathname === "/-/npm/v1/security/advisories/bulk") {
        const body = Buffer.from(await request.arrayBuffer());
        const isZipped = request.headers.get("content-encoding") === "gzip";
        const asked = JSON.parse(
          new TextDecoder().decode(isZipped ? Bun.gunzipSync(body) : body),
        ) as Readonly<Record<string, unknown>>;
        if (advised === null || !(advised.name in asked)) return Response.json({});
        const { name, severity } = advised;
        const advisory = { id: 1, url: "https://advisories.invalid/1", title: "A hole", severity };
        return Response.json({
          [name]: [{ ...advisory, vulnerable_versions: "*", cwe: [], cvss: { score: 9 } }],
        });
      }
      const name = decodeURIComponent(pathname.slice(1));
      return Response.json({
        name,
        "dist-tags": { latest: "1.0.0" },
        versions: { "1.0.0": { name, version: "1.0.0" } },
      });
    },
  });
}

async function audit(registry: string, ...words: readonly string[]): Promise<readonly [number, string]> {
  // npm keeps what it works out of an advisory, so each run has a cache of its own.
  const cache = await mkdtemp(join(tmpdir(), "tidings-audit-"));
  try {
    const child = Bun.spawn([process.execPath, "scripts/audit.ts", ...words], {
      cwd: root,
      env: { ...process.env, npm_config_registry: registry, npm_config_cache: cache },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return [await child.exited, said.join("")];
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

async function auditAdvised(advised: Advised | null): Promise<readonly [number, string]> {
  const registry = startRegistry(advised);
  try {
    return await audit(registry.url.href);
  } finally {
    await registry.stop(true);
  }
}

describe("the audit", () => {
  test("fails on a high advisory for what production runs", async () => {
    const [status, said] = await auditAdvised({ name: "jose", severity: "high" });
    expect(said).toContain("package-lock.json: high: jose: A hole https://advisories.invalid/1");
    expect(status).toBe(1);
  });

  test("tells a moderate advisory and passes", async () => {
    const [status, said] = await auditAdvised({ name: "jose", severity: "moderate" });
    expect(said).toContain("package-lock.json: moderate: jose: A hole");
    expect(status).toBe(0);
  });

  test("passes where nothing is known", async () => {
    const [status, said] = await auditAdvised(null);
    expect(said).toContain("package-lock.json: 0 known weaknesses, 0 of them high or critical.");
    expect(status).toBe(0);
  });

  test("says so and passes where the registry cannot be asked, and fails with --strict", async () => {
    // Nobody listens on the port of a server that has stopped.
    const registry = startRegistry(null);
    const address = registry.url.href;
    await registry.stop(true);
    const [status, said] = await audit(address);
    expect(said).toContain(
      "package-lock.json: not audited, since the registry's advisories cannot be asked (",
    );
    expect(status).toBe(0);
    expect((await audit(address, "--strict"))[0]).toBe(1);
  });
});

test("what npm prints and is no report counts as no answer, never as a good one", () => {
  for (const text of ["", "null", "[]", "<html>", '{"message":"405"}', '{"vulnerabilities":[]}']) {
    expect(readAudit(text).kind).toBe("unreachable");
  }
});

test("a severity that nobody knows is grave", () => {
  const grave = ["info", "low", "moderate", "high", "critical", "catastrophic"].filter((severity) =>
    isGrave({ name: "jose", severity, title: "" }),
  );
  expect(grave).toEqual(["high", "critical", "catastrophic"]);
});
