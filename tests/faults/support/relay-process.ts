import { processCost } from "../../../bench/process-cost.ts";
import { eventually } from "../../support/eventually.ts";
import { type RunningProcess, startProcess } from "../../support/process.ts";
import { freePort } from "../../support/redis-server.ts";
import type { MemoryLog, ProcessLog } from "../judge/evidence.ts";

/** How a relay of a fault case is started. */
export interface RelayOptions {
  readonly name: string;
  readonly redisUrl: string;
  /** Further settings, as variables of the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Address to listen on and to be asked at. */
  readonly host?: string;
  /** What to put before the command, to run it elsewhere: `["ip", "netns", "exec", …]`. */
  readonly prefix?: readonly string[];
}

/** The key of the relays' HTTP interface. */
export const API_KEY = "key-of-the-fault-suite-0123456789abcdef";

/** The relay's entry; another build of it can be put to the same faults. */
const ENTRY = process.env["TIDINGS_FAULTS_RELAY"] ?? "packages/server/src/cli/main.ts";

const SAMPLE_MS = 250;
const READY_PATIENCE_MS = 20_000;

/** A relay as production runs it, which can be killed, frozen and started again on the same port. */
export class RelayProcess implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #options: RelayOptions;
  readonly #samples: { at: number; bytes: number }[] = [];
  readonly #sampler: Timer;
  readonly #ends: ProcessLog[] = [];
  #process: RunningProcess | null = null;
  #expected: ProcessLog["expected"] = "running";

  constructor(options: RelayOptions, port: number) {
    this.name = options.name;
    this.port = port;
    this.#options = options;
    this.#sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  /** `http://127.0.0.1:<port>`. */
  get url(): string {
    return `http://${this.#options.host ?? "127.0.0.1"}:${this.port}`;
  }

  get pid(): number {
    if (this.#process === null) throw new Error(`${this.name} does not run`);
    return this.#process.pid;
  }

  /** Starts it, and resolves when it says that updates arrive. */
  async start(): Promise<void> {
    const { redisUrl, settings = {}, host = "127.0.0.1", prefix = [] } = this.#options;
    this.#expected = "running";
    const command = [...prefix, "env", ...withoutTheSuitesOwn(), process.execPath, ENTRY, "serve"];
    const running = startProcess(command, {
      TIDINGS_HOST: host,
      TIDINGS_PORT: String(this.port),
      TIDINGS_REDIS_URL: redisUrl,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_API_KEY: API_KEY,
      TIDINGS_LOG_LEVEL: "warn",
      ...settings,
    });
    this.#process = running;
    let isOver = false;
    void running.exited.then(() => (isOver = true));
    const isSettled = async (): Promise<boolean> => isOver || this.isReady();
    await eventually(`${this.name} is ready`, isSettled, READY_PATIENCE_MS).catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${running.output()}`, { cause: error });
    });
    if (isOver) throw new Error(`${this.name} ended instead of starting:\n${running.output()}`);
  }

  /** Whether it says that updates arrive. */
  async isReady(): Promise<boolean> {
    return fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(1_000) }).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  /** Kills it and resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL", "SIGKILL");
  }

  /** Asks it to leave, and resolves when it has. */
  async leave(): Promise<void> {
    await this.#end("SIGTERM", 0);
  }

  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** The value of one metric, with its labels as they are written; the sum over all labels where it has none. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text
      .split("\n")
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Every line of its log that came so far, over all its lives. */
  get output(): string {
    return this.#process?.output() ?? "";
  }

  /** How its lives ended or the last one goes on. */
  ends(): readonly ProcessLog[] {
    const running = this.#process;
    if (running === null) return this.#ends;
    const faults = faultsOf(running.output());
    return [...this.#ends, { name: this.name, expected: this.#expected, actual: this.#actual(), faults }];
  }

  memory(limit: number, flatRatio: number | null): MemoryLog {
    return { process: this.name, samples: this.#samples, limit, flatRatio };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampler);
    await this.#process?.[Symbol.asyncDispose]();
    this.#process = null;
  }

  async #end(signal: NodeJS.Signals, expected: ProcessLog["expected"]): Promise<void> {
    const running = this.#process;
    if (running === null) throw new Error(`${this.name} does not run`);
    this.#process = null;
    running.kill(signal);
    const code = await running.exited;
    const actual = signal === "SIGKILL" ? "SIGKILL" : code;
    this.#ends.push({ name: this.name, expected, actual, faults: faultsOf(running.output()) });
  }

  #actual(): ProcessLog["actual"] {
    try {
      process.kill(this.pid, 0);
      return "running";
    } catch {
      return "SIGABRT";
    }
  }

  #sample(): void {
    const running = this.#process;
    if (running === null) return;
    try {
      this.#samples.push({ at: performance.now(), bytes: processCost.residentBytes(running.pid) });
    } catch {
      // It ended between two looks.
    }
  }
}

/** Arguments with which `env` hides the suite's own variables, which a relay would refuse as unknown settings. */
function withoutTheSuitesOwn(): string[] {
  const own = Object.keys(process.env).filter((name) => /^TIDINGS_(FAULTS|SOAK|SCALE)/.test(name));
  return own.flatMap((name) => ["-u", name]);
}

/** Lines that tell of a fault of the relay's own, and what Bun itself prints of an error that nobody caught. */
function faultsOf(output: string): string[] {
  return output
    .split("\n")
    .filter(
      (line) =>
        line.includes('"level":"fatal"') ||
        (line.includes('"level":"error"') && /"err(or)?":/.test(line)) ||
        /^(error|\w*Error):|^panic/i.test(line),
    );
}

/** Starts a relay on a free port. */
export async function startRelay(options: RelayOptions): Promise<RelayProcess> {
  const relay = new RelayProcess(options, await freePort());
  try {
    await relay.start();
  } catch (error) {
    await relay[Symbol.asyncDispose]();
    throw error;
  }
  return relay;
}
