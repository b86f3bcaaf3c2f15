/** What one process answers for another: by name, one value in and one value out, both fit for JSON. */
export type CallTable = Record<string, (input: never) => unknown>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly input: unknown;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly fault?: string;
}

/** How long a call may take before it counts as hung, in milliseconds. */
const CALL_TIMEOUT_MS = 120_000;

function canPin(core: number | null): core is number {
  return core !== null && core < navigator.hardwareConcurrency && Bun.which("taskset") !== null;
}

/** The command with which a process stays on one core, where the machine has `taskset` and that core. */
export function pinned(core: number | null, command: readonly string[]): string[] {
  return canPin(core) ? ["taskset", "-c", String(core), ...command] : [...command];
}

/** Keeps a process that runs already on one core, where that is possible. */
export function pinProcess(pid: number, core: number): void {
  if (canPin(core)) Bun.spawnSync(["taskset", "-a", "-c", "-p", String(core), String(pid)]);
}

/** A process of ours that answers calls, killed when its block ends (`await using`). */
export class Child<Calls extends CallTable> implements AsyncDisposable {
  readonly #process: Bun.Subprocess<"ignore", "inherit", "inherit">;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  /** Runs the TypeScript file `script` with this Bun, on one core unless `core` is null. */
  constructor(script: string, core: number | null) {
    this.#process = Bun.spawn(pinned(core, [process.execPath, script]), {
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "json",
      ipc: (answer: Answer) => this.#waiting.get(answer.id)?.(answer),
      onExit: (_, code, signal) => {
        for (const [id, settle] of this.#waiting)
          settle({ id, fault: `the process ended: ${signal ?? code}` });
      },
    });
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Asks the process. Rejects with its fault, where it ends, and where it does not answer in two minutes. */
  async call<Name extends keyof Calls & string>(
    name: Name,
    input: Parameters<Calls[Name]>[0],
  ): Promise<Awaited<ReturnType<Calls[Name]>>> {
    const id = this.#calls++;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(id, resolve);
    const timer = setTimeout(resolve, CALL_TIMEOUT_MS, { id, fault: "no answer in two minutes" });
    this.#process.send({ id, name, input } satisfies Call);
    const answer = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (answer.fault !== undefined) throw new Error(`${name}: ${answer.fault}`);
    return answer.value as Awaited<ReturnType<Calls[Name]>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }
}

/** The other side of {@link Child}: answers calls until the parent is gone, and then ends the process. */
export function answerCalls(table: CallTable): void {
  process.on("disconnect", () => process.exit(0));
  const answer = async ({ id, name, input }: Call): Promise<void> => {
    try {
      const value = await table[name]?.(input as never);
      process.send?.({ id, value } satisfies Answer);
    } catch (error) {
      process.send?.({ id, fault: String(error) } satisfies Answer);
    }
  };
  process.on("message", (call: Call) => void answer(call));
}
