import { createClient } from "@redis/client";
import type { Server } from "bun";
import { startEcho } from "../conformance/echo-server.ts";
import type { Session } from "../packages/server/src/websocket/session.ts";
import { eventually } from "../tests/support/eventually.ts";
import { type RunningProcess, startTidings } from "../tests/support/process.ts";
import { freePort } from "../tests/support/redis-server.ts";
import { TestClient } from "../tests/support/test-client.ts";

/** How long the relay may take to start on a busy machine, in milliseconds. */
const START_PATIENCE_MS = 60_000;

/** What the relay counted, by metric and labels as they are written. */
export type Figures = ReadonlyMap<string, number>;

/** A relay in a process of its own with history and the embedded broker, an honest client, and an echo endpoint. */
export class Victim implements AsyncDisposable {
  readonly port: number;
  readonly redisPort: number;
  readonly echoPort: number;
  readonly #process: RunningProcess;
  readonly #echo: Server<Session>;
  readonly #worker: ReturnType<typeof createClient>;
  #honest: TestClient | null = null;
  #published = 0;
  #seen = 0;
  #hasEnded = false;

  constructor(process: RunningProcess, port: number, redisPort: number, echo: Server<Session>) {
    this.port = port;
    this.redisPort = redisPort;
    this.echoPort = echo.port ?? 0;
    this.#process = process;
    this.#echo = echo;
    this.#worker = createClient({ url: `redis://127.0.0.1:${redisPort}` });
    this.#worker.on("error", () => {});
    void process.exited.then(() => (this.#hasEnded = true));
  }

  /** Starts all of it and resolves once updates arrive. */
  static async start(): Promise<Victim> {
    const port = await freePort();
    const process = startTidings(["dev"], {
      TIDINGS_PORT: String(port),
      TIDINGS_EMBEDDED_PORT: "0",
      TIDINGS_HISTORY: "true",
      TIDINGS_MESSAGE_RATE: "100000",
      TIDINGS_MESSAGE_BURST: "100000",
      TIDINGS_MAX_UPDATE_BYTES: "64KiB",
      TIDINGS_LOG_LEVEL: "warn",
    });
    let hasEnded = false;
    void process.exited.then(() => (hasEnded = true));
    const url = `http://127.0.0.1:${port}`;
    const answers = (): Promise<boolean> =>
      fetch(`${url}/readyz`).then(
        ({ status }) => status === 200,
        () => false,
      );
    await eventually("the relay is ready", async () => hasEnded || (await answers()), START_PATIENCE_MS);
    if (hasEnded) throw new Error(`the relay did not start:\n${process.output()}`);
    const page = (await (await fetch(`${url}/playground.json`)).json()) as { embeddedPort: number };
    const redisPort = page.embeddedPort;
    const victim = new Victim(process, port, redisPort, startEcho(0));
    await victim.#worker.connect();
    victim.#honest = await TestClient.open({ url: `${url}/ws?user_id=honest` });
    await victim.isWell();
    return victim;
  }

  /** Publishes bytes on the channel of updates. */
  async publish(update: Uint8Array): Promise<void> {
    await this.#worker.sendCommand(["PUBLISH", "updates", Buffer.from(update)]);
  }

  /** Rejects where the relay has ended, or the honest client was cut or misses an update. */
  async isWell(): Promise<void> {
    if (this.#hasEnded) throw new Error(`the relay has ended:\n${this.#process.output().slice(-4_000)}`);
    const honest = this.#honest;
    if (honest === null) return;
    this.#published += 1;
    const number = this.#published;
    const update = { target_user_id: "honest", type: "honest", payload: number };
    await this.publish(Buffer.from(JSON.stringify(update)));
    await eventually(`the honest client gets update ${number}`, () => {
      if (this.#hasEnded || honest.closeEvent !== null)
        throw new Error("the relay or its connection has ended");
      for (const text of honest.texts.splice(0)) {
        const frame = JSON.parse(text) as { type?: unknown; payload?: unknown };
        if (frame.type === "honest" && frame.payload === this.#seen + 1) this.#seen += 1;
        else throw new Error(`the honest client got something else than update ${this.#seen + 1}: ${text}`);
      }
      return this.#seen === number;
    });
  }

  /** What the relay counted so far. */
  async figures(): Promise<Figures> {
    const text = await (await fetch(`http://127.0.0.1:${this.port}/metrics`)).text();
    const lines = text.matchAll(/^([a-z_]+(?:\{[^}]*\})?) ([\d.e+]+)$/gm);
    return new Map(Array.from(lines, ([, name = "", value]) => [name, Number(value)]));
  }

  /** Resident memory of the relay, in bytes. */
  async memory(): Promise<number> {
    return (await this.figures()).get("process_resident_memory_bytes") ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#honest?.close();
    this.#worker.destroy();
    await this.#echo.stop(true);
    await this.#process[Symbol.asyncDispose]();
  }
}

/** The sum of all that a metric counted, over its labels. */
export function total(figures: Figures, metric: string): number {
  return Array.from(figures).reduce(
    (sum, [name, value]) => (name === metric || name.startsWith(`${metric}{`) ? sum + value : sum),
    0,
  );
}
