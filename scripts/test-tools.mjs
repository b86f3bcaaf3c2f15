import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

// Plain JavaScript for Node.js 20: what the tests need beside npm packages, and how a machine gets it.

/** Programs that tests run. `apt` names Debian's package where it will do, `elsewhere` what to do on other systems. */
const tools = [
  { program: "redis-server", apt: "redis-server", elsewhere: "brew install redis" },
  { program: "redis-cli", apt: "redis-tools", elsewhere: "brew install redis" },
  { program: "chromium", apt: "chromium", elsewhere: "install Chromium and put `chromium` on PATH" },
  { program: "nginx", apt: "nginx-light", elsewhere: "brew install nginx" },
  { program: "curl", apt: "curl", elsewhere: "brew install curl" },
  { program: "openssl", apt: "openssl", elsewhere: "brew install openssl" },
  {
    program: "faketime",
    apt: "faketime",
    elsewhere: "there is none; the tests that move clocks are skipped",
  },
  { program: "ip", apt: "iproute2", elsewhere: "there is none; the tests that cut networks are skipped" },
  { program: "nft", apt: "nftables", elsewhere: "there is none; the tests that cut networks are skipped" },
  { program: "systemd-analyze", apt: "systemd", elsewhere: "there is none; its test is skipped" },
  { program: "python3", apt: "python3-venv", elsewhere: "install Python 3.10 or newer: https://python.org" },
  { program: "gcc", apt: "gcc libc6-dev", elsewhere: "install GCC, or Clang under the name of gcc" },
  { program: "go", apt: null, elsewhere: "install Go 1.26 or newer: https://go.dev" },
];

/** Where Go's own packages put it, PATH, and where Debian puts what only root is thought to need. */
export const searchPath = ["/usr/local/go/bin", process.env.PATH, "/usr/sbin"].join(delimiter);

function isThere(program) {
  return searchPath.split(delimiter).some((folder) => existsSync(join(folder, program)));
}

/** Installs Debian packages where this process may; true where that went well. */
function aptInstall(packages) {
  if (process.getuid?.() !== 0 || !isThere("apt-get")) return false;
  console.error(`Installing ${packages.join(", ")} for the tests (apt-get) …`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  // Services that come with a package must not start: the tests start their own.
  const options = { env: { ...environment, RUNLEVEL: "1" }, stdio: ["ignore", "ignore", "inherit"] };
  const apt = (words) => spawnSync("apt-get", words, options).status === 0;
  return apt(["update", "-qq"]) && apt(["install", "-y", "-qq", "--no-install-recommends", ...packages]);
}

/**
 * Makes sure that the tests find what they need: installs it where it can, else says in one line for each missing
 * program how to get it. Returns the programs that are still missing.
 */
export function ensureTestTools() {
  const missing = () => tools.filter(({ program }) => !isThere(program));
  const wanted = missing();
  const packages = wanted.flatMap(({ apt }) => apt?.split(" ") ?? []);
  if (packages.length > 0) aptInstall([...new Set(packages)]);
  const left = missing();
  for (const { program, apt, elsewhere } of left) {
    const debian = apt === null ? "" : `on Debian: apt-get install ${apt}; elsewhere: `;
    console.error(`missing: ${program}; ${debian}${elsewhere}.`);
  }
  return left.map(({ program }) => program);
}
