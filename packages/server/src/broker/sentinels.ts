import { createClient } from "@redis/client";
import { isIP } from "node:net";
import type { CancelTimer, Clock } from "../clock.ts";
import { parseRedisUrl, type RedisTarget } from "./redis-target.ts";

/** The Sentinels that know where the primary of a Redis is. */
export interface SentinelsOptions {
  /** Each one's `redis://` or `rediss://` address, with user and password where it has them. */
  readonly urls: readonly string[];
  /** What the Sentinels call the primary. */
  readonly name: string;
  /** How long they may take to answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Why no primary was found: one sentence without addresses and secrets. */
export class NoPrimary extends Error {
  override readonly name = "NoPrimary";
}

/** Asks Sentinels where the primary is; holds no connection between two questions. */
export class Sentinels {
  readonly #options: SentinelsOptions;
  readonly #targets: readonly RedisTarget[];

  /** @throws {TypeError} where an address cannot be used. */
  constructor(options: SentinelsOptions) {
    this.#options = options;
    this.#targets = options.urls.map(parseRedisUrl);
  }

  /**
   * Where the primary is: what more than half of the Sentinels say, as soon as they do; else, once all have answered or
   * the time is over, what most of those that answered say. A primary that was replaced may be named until Sentinels
   * agree on its successor, so whoever connects asks what it is.
   * @param own user, password, database and TLS of the primary; host and port of it mean nothing.
   * @throws {NoPrimary} where none of them names one.
   */
  async primary(own: RedisTarget): Promise<RedisTarget> {
    const { promise, resolve, reject } = Promise.withResolvers<RedisTarget>();
    const votes = new Map<string, number>();
    let asked = this.#targets.length;
    let cancel: CancelTimer = () => {};
    const decide = (): void => {
      cancel();
      const [best] = [...votes].toSorted(([, one], [, other]) => other - one);
      if (best !== undefined) return resolve(addressed(own, best[0]));
      const silent = asked > 0 ? "no Sentinel answered in time" : "no Sentinel can be reached";
      reject(new NoPrimary(`${silent}, or none knows the primary "${this.#options.name}"`));
    };
    cancel = this.#options.clock.after(this.#options.timeoutMs, decide);
    for (const target of this.#targets) {
      void this.#ask(target).then((address) => {
        asked -= 1;
        if (address !== null) votes.set(address, (votes.get(address) ?? 0) + 1);
        const agreed = address !== null && (votes.get(address) ?? 0) > this.#targets.length / 2;
        if (agreed || asked === 0) decide();
      });
    }
    return promise;
  }

  /** `<port> <host>` as one Sentinel knows it; null where it does not, or does not answer. */
  async #ask({ host, port, tls, serverName, username, password }: RedisTarget): Promise<string | null> {
    const { timeoutMs, clock, name } = this.#options;
    const endpoint = { host, port, connectTimeout: timeoutMs, reconnectStrategy: false } as const;
    const client = createClient({
      disableClientInfo: true,
      maintNotifications: "disabled",
      RESP: 2,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      socket: tls
        ? { ...endpoint, tls: true, ...(serverName === undefined ? {} : { servername: serverName }) }
        : endpoint,
    });
    client.on("error", () => {});
    const end = (): void => {
      if (client.isOpen) client.destroy();
    };
    const cancel = clock.after(timeoutMs, end);
    try {
      await client.connect();
      const answer = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
      if (!Array.isArray(answer) || answer.length !== 2) return null;
      return `${String(answer[1])} ${String(answer[0])}`;
    } catch {
      return null;
    } finally {
      cancel();
      end();
    }
  }
}

function addressed(own: RedisTarget, address: string): RedisTarget {
  const [port = "", host = ""] = address.split(" ");
  const { serverName: _, ...rest } = own;
  return {
    ...rest,
    host,
    port: Number(port),
    ...(own.tls && isIP(host) === 0 ? { serverName: host } : {}),
  };
}
