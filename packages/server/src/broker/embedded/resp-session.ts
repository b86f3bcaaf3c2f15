import { nameBytes, nameKey, type NameKey } from "./channel-name.ts";
import type { ChannelRegistry, Subscriber } from "./channels.ts";
import type { CommandSpec } from "./commands/command.ts";
import type { RespOutput } from "./resp-output.ts";
import type { CommandLine } from "./resp-parser.ts";
import { bulk, encodeReply, type Protocol, type Reply } from "./resp-writer.ts";

/** A command that waits for EXEC. */
export interface QueuedCommand {
  readonly spec: CommandSpec;
  readonly line: CommandLine;
}

/** What MULTI opened. One `broken` by a refused command runs nothing. */
export interface Transaction {
  readonly queue: QueuedCommand[];
  bytes: number;
  broken: boolean;
}

/** What a session is born with. */
export interface SessionOptions {
  readonly id: number;
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Monotonic time of the connection's start, in milliseconds. */
  readonly connectedAt: number;
  readonly channels: ChannelRegistry;
  readonly output: RespOutput;
}

/**
 * One program's connection to the loopback port: what it calls itself, what it listens on, what it has
 * queued.
 */
export class RespSession implements Subscriber {
  readonly id: number;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly connectedAt: number;
  readonly output: RespOutput;
  protocol: Protocol = 2;
  database = 0;
  name = "";
  libraryName = "";
  libraryVersion = "";
  lastCommand = "NULL";
  lastCommandAt: number;
  transaction: Transaction | null = null;
  readonly #registry: ChannelRegistry;
  readonly #channels = new Set<NameKey>();
  readonly #patterns = new Set<NameKey>();

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.remoteAddress = options.remoteAddress;
    this.localAddress = options.localAddress;
    this.connectedAt = options.connectedAt;
    this.lastCommandAt = options.connectedAt;
    this.output = options.output;
    this.#registry = options.channels;
  }

  /** How many channels and patterns this connection listens on. */
  get subscriptionCount(): number {
    return this.#channels.size + this.#patterns.size;
  }

  get channelCount(): number {
    return this.#channels.size;
  }

  get patternCount(): number {
    return this.#patterns.size;
  }

  /** The channels listened on, in the order of their subscription. */
  get channelNames(): Uint8Array[] {
    return Array.from(this.#channels, nameBytes);
  }

  /** The patterns listened on, in the order of their subscription. */
  get patternNames(): Uint8Array[] {
    return Array.from(this.#patterns, nameBytes);
  }

  send(reply: Reply): void {
    this.output.write(encodeReply(reply, this.protocol));
  }

  deliver(channel: Uint8Array, data: Uint8Array, pattern: Uint8Array | null): void {
    const items = pattern === null ? [bulk("message")] : [bulk("pmessage"), bulk(pattern)];
    this.send({ type: "push", items: [...items, bulk(channel), bulk(data)] });
  }

  subscribe(channel: Uint8Array): void {
    this.#channels.add(nameKey(channel));
    this.#registry.subscribe(channel, this);
  }

  unsubscribe(channel: Uint8Array): void {
    if (this.#channels.delete(nameKey(channel))) this.#registry.unsubscribe(channel, this);
  }

  subscribePattern(pattern: Uint8Array): void {
    this.#patterns.add(nameKey(pattern));
    this.#registry.subscribePattern(pattern, this);
  }

  unsubscribePattern(pattern: Uint8Array): void {
    if (this.#patterns.delete(nameKey(pattern))) this.#registry.unsubscribePattern(pattern, this);
  }

  /** Back to how a new connection is: RESET asks for it. */
  reset(): void {
    this.leaveAll();
    this.transaction = null;
    this.protocol = 2;
    this.database = 0;
    this.name = "";
  }

  /** Ends every subscription, silently. */
  leaveAll(): void {
    for (const channel of this.channelNames) this.unsubscribe(channel);
    for (const pattern of this.patternNames) this.unsubscribePattern(pattern);
  }
}
