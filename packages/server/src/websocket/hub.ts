import { BROADCAST_TARGET, type Update } from "@tidings/protocol";
import { UserFilter } from "./user-filter.ts";

/** What the hub needs of a client. */
export interface Recipient {
  readonly userId: string;
  /**
   * Takes a frame of `bytes` bytes, or says that it cannot. `offset` is where the client then stands, where there is
   * history. Must not throw, wait, register or unregister anyone.
   */
  send(frame: string, bytes: number, offset?: string): boolean;
}

const nobody: readonly never[] = [];

/** Maps each user to the clients that user has open on this relay. */
export class Hub<C extends Recipient = Recipient> {
  readonly #clients = new Set<C>();
  readonly #users = new Map<string, C[]>();
  readonly #filter = new UserFilter(() => this.#users.keys());

  /** How many clients there are. */
  get connections(): number {
    return this.#clients.size;
  }

  /** How many users have at least one client. */
  get users(): number {
    return this.#users.size;
  }

  /** All clients, in the order in which they came. */
  get clients(): ReadonlySet<C> {
    return this.#clients;
  }

  /** A user's clients, the oldest first. */
  clientsOf(userId: string): readonly C[] {
    return this.#users.get(userId) ?? nobody;
  }

  /** Adds a client. Adding it again does nothing. */
  register(client: C): void {
    if (this.#clients.has(client)) return;
    this.#clients.add(client);
    const others = this.#users.get(client.userId);
    if (others !== undefined) others.push(client);
    else {
      this.#users.set(client.userId, [client]);
      this.#filter.add(client.userId);
    }
  }

  /** Removes a client. Removing one that is not there does nothing. */
  unregister(client: C): void {
    if (!this.#clients.delete(client)) return;
    const clients = this.#users.get(client.userId);
    if (clients === undefined) return;
    if (clients.length > 1) clients.splice(clients.indexOf(client), 1);
    else {
      this.#users.delete(client.userId);
      this.#filter.remove(client.userId);
    }
  }

  /**
   * Hands one update to every client it is meant for, and returns how many took it.
   * Never throws and never waits: a client that cannot keep up is closed (4480), so one slow tab cannot delay the rest.
   */
  deliver(update: Update): number {
    if (!this.#filter.mayHave(update.targetHash)) return 0;
    const clients = update.target === BROADCAST_TARGET ? this.#everyone() : this.#users.get(update.target);
    if (clients === undefined) return 0;
    const frame = update.frame();
    const bytes = update.frameBytes;
    let taken = 0;
    for (const client of clients) {
      if (client.send(frame, bytes)) taken += 1;
    }
    return taken;
  }

  #everyone(): Iterable<C> | undefined {
    return this.#clients.size === 0 ? undefined : this.#clients;
  }
}
