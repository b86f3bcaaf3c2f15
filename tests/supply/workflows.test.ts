import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../support/process.ts";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "runs-on"?: string;
  readonly "timeout-minutes"?: number;
  readonly needs?: string | readonly string[];
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = ".github/workflows";
const texts = new Map<string, string>();
for await (const name of new Bun.Glob("*.{yml,yaml}").scan({ cwd: join(root, FOLDER), dot: true })) {
  texts.set(name, await Bun.file(join(root, FOLDER, name)).text());
}
const workflows = new Map([...texts].map(([name, text]) => [name, Bun.YAML.parse(text) as Workflow]));
const jobs = [...workflows].flatMap(([file, { jobs: ofFile }]) =>
  Object.entries(ofFile).map(([name, job]) => ({ place: `${file}: ${name}`, job })),
);
const steps = jobs.flatMap(({ place, job }) => job.steps.map((step) => ({ place, step })));

/** What jobs may do beyond reading the repository. */
const RIGHTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "release.yml: executable": { contents: "read", "id-token": "write", attestations: "write" },
  "release.yml: npm": { contents: "read", "id-token": "write" },
  "release.yml: pypi": { "id-token": "write" },
  "release.yml: release": { contents: "write" },
};

test("there are workflows for CI, the weekly audit and releases", () => {
  expect([...workflows.keys()].toSorted()).toEqual(["audit.yml", "ci.yml", "release.yml"]);
});

test("every action is pinned to a commit, with its version beside it", () => {
  const lines = [...texts.values()]
    .flatMap((text) => text.split("\n"))
    .filter((line) => /\buses:/.test(line));
  expect(lines.length).toBe(steps.filter(({ step }) => step.uses !== undefined).length);
  for (const line of lines) expect(line).toMatch(/uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test("one action has one version everywhere", () => {
  const versions = new Map<string, Set<string>>();
  for (const { step } of steps) {
    const [action = "", version = ""] = step.uses?.split("@") ?? [];
    versions.set(action, (versions.get(action) ?? new Set()).add(version));
  }
  expect([...versions].filter(([, found]) => found.size > 1)).toEqual([]);
});

test("a workflow may read and nothing more, and only named jobs may do one thing beyond", () => {
  for (const [file, { permissions }] of workflows) {
    expect({ file, permissions }).toEqual({ file, permissions: { contents: "read" } });
  }
  const beyond = jobs.flatMap(({ place, job }) =>
    job.permissions === undefined ? [] : [[place, job.permissions] as const],
  );
  expect(Object.fromEntries(beyond)).toEqual(RIGHTS);
});

test("no script takes text that others write", () => {
  for (const { place, step } of steps) {
    expect({ place, run: step.run ?? "" }).toEqual({
      place,
      run: expect.not.stringContaining("${{") as string,
    });
  }
});

test("no workflow runs a stranger's code with rights of this repository", () => {
  const triggers = [...workflows.values()].flatMap((workflow) => Object.keys(workflow.on));
  expect(triggers).not.toContain("pull_request_target");
  expect(triggers).not.toContain("workflow_run");
});

test("no checkout leaves its credentials for later steps, and no secret is kept for a registry", () => {
  for (const { step } of steps) {
    if (step.uses?.startsWith("actions/checkout@") !== true) continue;
    expect(step.with?.["persist-credentials"]).toBe(false);
  }
  for (const text of texts.values()) expect(text).not.toContain("secrets.");
});

test("every job ends by itself, on a machine whose version is named", () => {
  for (const { place, job } of jobs) {
    expect({ place, minutes: job["timeout-minutes"] }).toEqual({
      place,
      minutes: expect.any(Number) as number,
    });
    expect(job["runs-on"]).not.toContain("latest");
  }
});

test("nothing is released before it was audited and tested", () => {
  const release = workflows.get("release.yml")?.jobs ?? {};
  const verified = (name: string): boolean => {
    const needs = [release[name]?.needs ?? []].flat();
    return name === "verify" || (needs.length > 0 && needs.every(verified));
  };
  expect(Object.keys(release).filter((name) => !verified(name))).toEqual([]);
  const ran = release["verify"]?.steps.map(({ run }) => run) ?? [];
  for (const command of ["npm run audit -- --strict", "npm audit signatures", ".ci/run"]) {
    expect(ran).toContain(command);
  }
});
