import { onAbort } from "./abort.ts";
import { TidingsError } from "./errors.ts";
import type { Frame } from "./frame.ts";
import type { Line, LineEvents } from "./line.ts";
import { type Listener, Listeners, type Unsubscribe } from "./listeners.ts";
import type { SendOptions } from "./outgoing.ts";
import type { Platform } from "./platform.ts";
import { check, type StandardSchema } from "@tidings/protocol/standard-schema";
import { Session } from "./session.ts";
import type { Status } from "./status.ts";
import type { ConnectOptions, ListenOptions, Tidings } from "./tidings.ts";
import type { TokenSource } from "./token.ts";
import type { Update } from "./update.ts";
import { UpdateQueue } from "./update-queue.ts";

type Schemas = Readonly<Record<string, StandardSchema | undefined>>;

/** Options without their types, which are the caller's affair. */
export type PlainOptions = ConnectOptions<Record<string, unknown>, Record<string, unknown>>;

/** Makes the line of a session and hands it to `attach`, later where its code has to be loaded first. */
export type OpenLine = (events: LineEvents, attach: (line: Line) => void) => void;

/** What `connect` returns: hands out what the session tells, checked by the schemas. */
export class Connection implements Tidings {
  readonly #listeners: Listeners;
  readonly #session: Session;
  readonly #events: Schemas | undefined;
  readonly #messages: Schemas | undefined;
  readonly #forget: () => void;
  readonly #queues = new Set<UpdateQueue<Update>>();

  constructor(platform: Platform, options: PlainOptions, openLine: OpenLine) {
    const { since, events, messages, signal } = options;
    this.#events = events;
    this.#messages = messages;
    this.#listeners = new Listeners((error) => platform.report(error));
    this.#session = new Session(platform, since, {
      status: (status) => this.#listeners.tell("tidings.status", status),
      gap: (gap) => this.#listeners.tell("tidings.gap", gap),
      update: (frame) => this.#update(frame),
    });
    this.#forget = onAbort(signal, () => this.close());
    if (signal?.aborted) this.close();
    else {
      openLine(this.#session, (line) => {
        if (this.#session.isClosed) line.close();
        else this.#session.line = line;
      });
    }
  }

  get status(): Status {
    return this.#session.status;
  }

  get offset(): string | null {
    return this.#session.offset;
  }

  on(
    type: string,
    handler: (told: never, update: never) => void,
    { signal }: ListenOptions = {},
  ): Unsubscribe {
    return this.#listeners.on(type, handler as Listener, signal);
  }

  updates(type = "*", { signal }: ListenOptions = {}): UpdateQueue<never> {
    const queue = new UpdateQueue<Update>(() => {
      stop();
      forget();
      this.#queues.delete(queue);
    });
    const end = (): void => queue.end();
    const stop = this.#listeners.on(type, (_payload, update) => queue.push(update as Update));
    this.#queues.add(queue);
    const forget = onAbort(signal, end);
    if (this.#session.isClosed || signal?.aborted) end();
    return queue as unknown as UpdateQueue<never>;
  }

  [Symbol.asyncIterator](): UpdateQueue<never> {
    return this.updates();
  }

  async send(type: string, payload: unknown, options: SendOptions = {}): Promise<void> {
    const schema = own(this.#messages, type);
    const issues = schema && check(schema, payload).issues;
    if (issues) throw new TidingsError("invalid", issues[0]?.message);
    return this.#session.send(type, payload, options);
  }

  reconnect(token?: TokenSource): void {
    this.#session.line?.reconnect(token);
  }

  close(): void {
    if (this.#session.isClosed) return;
    this.#session.close();
    this.#forget();
    for (const queue of this.#queues) queue.end();
  }

  #update(frame: Frame): void {
    const { type } = frame;
    let update = frame as Update;
    if (this.#events) {
      const schema = own(this.#events, type);
      if (!schema) return;
      const result = check(schema, update.payload);
      if (result.issues) return this.#listeners.tell("tidings.invalid", { update, issues: result.issues });
      update = { ...update, payload: result.value };
    }
    this.#listeners.tell(type, update.payload, update);
    this.#listeners.tell("*", update.payload, update);
  }
}

/** A worker may name a type `constructor`. */
function own(schemas: Schemas | undefined, type: string): StandardSchema | undefined {
  return schemas && Object.hasOwn(schemas, type) ? schemas[type] : undefined;
}
