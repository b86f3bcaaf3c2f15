import type { CancelTimer, Clock } from "../clock.ts";
import type { Revocable, Revocation } from "./revocation.ts";

/** A connection whose token may be revoked. */
export interface RevocableClient extends Revocable {
  close(name: "forbidden", details: { readonly reason: string }): void;
}

/** The connections of a relay. */
export interface RevocableConnections {
  readonly clients: Iterable<RevocableClient>;
  clientsOf(userId: string): Iterable<RevocableClient>;
}

/** What {@link RevokedClients} works with. */
export interface RevokedClientsOptions {
  readonly connections: RevocableConnections;
  /** Whether a connection's token is revoked. */
  readonly isRevoked: (client: RevocableClient) => boolean;
  readonly clock: Clock;
}

/**
 * How long revocations that concern everyone wait for each other, in milliseconds: all connections are looked at once for
 * all of them, so that a thousand tokens revoked one by one do not stall the relay.
 */
const GATHER_MS = 50;

/** What those connections are told. */
export const REVOKED = "the token was revoked";

/** Connections that are closed in one go; the event loop does other things before the next. */
const SLICE = 500;

/** Closes the connections whose tokens were revoked (4403). */
export class RevokedClients {
  readonly #options: RevokedClientsOptions;
  #round: Promise<number> | null = null;
  #cancel: CancelTimer = () => {};

  constructor(options: RevokedClientsOptions) {
    this.#options = options;
  }

  /**
   * Closes those that new revocations are about, and resolves with how many that were once all were told. Revocations
   * that concern every connection are looked at together, so each of them counts what they closed together.
   */
  async close(revocations: readonly Revocation[]): Promise<number> {
    const users = new Set(revocations.map(({ user_id: userId }) => userId));
    if (users.has(undefined)) return this.closeAll();
    return this.#closeOf(
      [...users].flatMap((userId) => [...this.#options.connections.clientsOf(userId ?? "")]),
    );
  }

  /** Looks at every connection, a moment later. */
  closeAll(): Promise<number> {
    this.#round ??= this.#gather();
    return this.#round;
  }

  /** Closes nobody any more. */
  stop(): void {
    this.#cancel();
  }

  async #gather(): Promise<number> {
    await this.#pause(GATHER_MS);
    this.#round = null;
    return this.#closeOf(this.#options.connections.clients);
  }

  async #closeOf(clients: Iterable<RevocableClient>): Promise<number> {
    const revoked = [...clients].filter((client) => this.#options.isRevoked(client));
    for (const [index, client] of revoked.entries()) {
      if (index > 0 && index % SLICE === 0) await this.#pause(0);
      client.close("forbidden", { reason: REVOKED });
    }
    return revoked.length;
  }

  #pause(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#cancel = this.#options.clock.after(delay, resolve);
    return promise;
  }
}
