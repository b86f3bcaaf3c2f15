import { randomBytes } from "node:crypto";

/**
 * A network namespace joined to this one by a virtual cable, in which a relay runs so that its packets to Redis can be
 * dropped: neither side is told, as when a cable is pulled. Linux, root, `ip` and `nft`.
 */
export class SeparateNetwork implements AsyncDisposable {
  /** This machine's end of the cable, where Redis listens. */
  readonly outside: string;
  /** The relay's end. */
  readonly inside: string;
  readonly #name: string;

  private constructor(name: string, outside: string, inside: string) {
    this.#name = name;
    this.outside = outside;
    this.inside = inside;
  }

  /** What keeps this machine from having one, or null. */
  static obstacle(): string | null {
    if (process.getuid?.() !== 0) return "network namespaces need root";
    for (const program of ["ip", "nft"]) {
      if (Bun.which(program) === null) return `the program \`${program}\` is missing`;
    }
    const name = `tdf-try-${randomBytes(3).toString("hex")}`;
    const added = Bun.spawnSync(["ip", "netns", "add", name]);
    if (added.exitCode !== 0) return added.stderr.toString().trim();
    Bun.spawnSync(["ip", "netns", "del", name]);
    return null;
  }

  /** Makes the namespace and its cable. */
  static async create(): Promise<SeparateNetwork> {
    const id = randomBytes(3).toString("hex");
    const [high = 0, low = 0] = randomBytes(2);
    // A subnet of four addresses by chance, so that runs side by side do not meet.
    const subnet = `10.211.${high}.`;
    const base = low & 0xfc;
    const network = new SeparateNetwork(`tdf-${id}`, `${subnet}${base + 1}`, `${subnet}${base + 2}`);
    const [here, there] = [`tdo${id}`, `tdi${id}`];
    try {
      await run("ip", "netns", "add", network.#name);
      await run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", network.#name);
      await run("ip", "addr", "add", `${network.outside}/30`, "dev", here);
      await run("ip", "link", "set", here, "up");
      await network.#run("ip", "addr", "add", `${network.inside}/30`, "dev", there);
      await network.#run("ip", "link", "set", there, "up");
      await network.#run("ip", "link", "set", "lo", "up");
      await network.#run("nft", "add", "table", "inet", "cut");
      for (const hook of ["input", "output"]) {
        const chain = `{ type filter hook ${hook} priority 0; }`;
        await network.#run("nft", "add", "chain", "inet", "cut", hook, chain);
      }
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** What to put before a command to run it inside. */
  get prefix(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  /** Drops every packet from and to a port outside. */
  async cut(port: number): Promise<void> {
    await this.#run("nft", "add", "rule", "inet", "cut", "output", "tcp", "dport", String(port), "drop");
    await this.#run("nft", "add", "rule", "inet", "cut", "input", "tcp", "sport", String(port), "drop");
  }

  /** Lets everything through again. */
  async mend(): Promise<void> {
    await this.#run("nft", "flush", "table", "inet", "cut");
  }

  /** Removes the namespace, and with it the cable and the rules. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run("ip", "netns", "del", this.#name).catch(() => undefined);
  }

  async #run(...command: readonly string[]): Promise<void> {
    await run(...this.prefix, ...command);
  }
}

async function run(...command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [text, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} failed: ${text.trim()}`);
}
