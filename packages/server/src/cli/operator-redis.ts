import { createClient } from "@redis/client";
import { maskedUrl } from "../config/catalog.ts";
import type { ReadSettings } from "./command.ts";
import { CommandFailure } from "./failure.ts";
import { describeFault } from "../broker/redis-fault.ts";
import { NoPrimary, Sentinels } from "../broker/sentinels.ts";
import { systemClock } from "../clock.ts";
import type { Settings } from "../config/schema.ts";
import { sentinelNames } from "../sentinel-names.ts";
import { parseRedisUrl } from "../broker/redis-target.ts";

/** How long a person waits for Redis before being told that it does not answer, in milliseconds. */
const PATIENCE_MS = 5_000;

/** A connection for one command line: made once, never mended. */
export interface OperatorRedis extends Disposable {
  /** The address without its password. */
  readonly shownUrl: string;
  /** Sends one command. Rejects with what Redis answered. */
  send(...words: readonly (string | Buffer)[]): Promise<unknown>;
  /** Subscribes to one channel. `take` must not throw. */
  subscribe(channel: string, take: (message: Buffer) => void): Promise<void>;
  /** Resolves with one sentence when the connection is lost. */
  readonly lost: Promise<string>;
}

/**
 * Connects to the Redis at an address.
 * @throws {CommandFailure} in one sentence without password, where it cannot be reached.
 */
export async function openRedis(url: string): Promise<OperatorRedis> {
  const { host, port, tls, serverName, username, password, database } = parseRedisUrl(url);
  const endpoint = { host, port, connectTimeout: PATIENCE_MS, reconnectStrategy: false } as const;
  const lost = Promise.withResolvers<string>();
  const client = createClient({
    RESP: 3,
    name: "tidings-cli",
    disableClientInfo: true,
    maintNotifications: "disabled",
    database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    socket: tls
      ? { ...endpoint, tls: true, ...(serverName === undefined ? {} : { servername: serverName }) }
      : endpoint,
  });
  client.on("error", (error: unknown) => lost.resolve(describeFault(error)));
  const shownUrl = maskedUrl(url);
  try {
    await within(client.connect());
  } catch (error) {
    client.destroy();
    throw new CommandFailure(
      `${shownUrl}: ${error instanceof Silence ? error.message : describeFault(error)}`,
    );
  }
  return {
    shownUrl,
    lost: lost.promise,
    send: (...words) => within(client.sendCommand([...words])),
    subscribe: (channel, take) => within(client.subscribe(channel, take, true)),
    [Symbol.dispose]: () => client.destroy(),
  };
}

/**
 * The address of the Redis of the settings: as they say, or as their Sentinels do.
 * @throws {CommandFailure} where there are Sentinels and none names a primary.
 */
export async function redisUrlOf(settings: Settings): Promise<string> {
  const names = sentinelNames(settings);
  if (names === null) return settings.redis_url;
  const sentinels = new Sentinels({ ...names, timeoutMs: PATIENCE_MS, clock: systemClock });
  try {
    const { host, port } = await sentinels.primary(parseRedisUrl(settings.redis_url));
    const url = new URL(settings.redis_url);
    url.host = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    return url.href;
  } catch (error) {
    if (!(error instanceof NoPrimary)) throw error;
    throw new CommandFailure(`${error.message}; see TIDINGS_REDIS_SENTINELS and TIDINGS_REDIS_SENTINEL_NAME`);
  }
}

/** What Redis answered, as text; null where it refused. */
export async function answerOf(reply: Promise<unknown>): Promise<string | null> {
  try {
    return String(await reply);
  } catch {
    return null;
  }
}

/** Redis took the connection or the command and does not answer. */
class Silence extends Error {
  override readonly message = `Redis did not answer for ${PATIENCE_MS / 1_000} s`;
}

async function within<T>(answer: Promise<T>): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(() => silence.reject(new Silence()), PATIENCE_MS);
  try {
    return await Promise.race([answer, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Connects to the Redis of the settings; where nobody has set one and none answers at the default address, to
 * the embedded broker of a `tidings dev` on this machine.
 * @throws {CommandFailure} that says what to do.
 */
export async function openRedisOf({ settings, sources }: ReadSettings): Promise<OperatorRedis> {
  try {
    return await openRedis(await redisUrlOf(settings));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    if (sources.redis_url.from !== "default")
      throw new CommandFailure(`${error.message}; see ${sources.redis_url.label}`);
    const embedded = `redis://127.0.0.1:${settings.embedded_port}`;
    try {
      return await openRedis(embedded);
    } catch {
      const mend = "start tidings dev, or name your Redis with --redis-url or TIDINGS_REDIS_URL";
      throw new CommandFailure(`${error.message}, nor does a tidings dev answer at ${embedded}; ${mend}`);
    }
  }
}
