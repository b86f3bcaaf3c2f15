import type { CancelTimer, Clock, Random } from "../clock.ts";

/** Something whose life is watched. */
export interface Beating {
  /** Set by any sign of life, cleared by the heartbeat. */
  isAlive: boolean;
  /** In which slot of the wheel it is, -1 where it is not watched. Kept here, since a map would cost more; the heartbeat's own. */
  heartbeatSlot: number;
  /** Where in that slot it is. The heartbeat's own. */
  heartbeatIndex: number;
  /** Whether it was pinged and a verdict is due. The heartbeat's own. */
  awaitsPong: boolean;
  ping(): void;
  close(name: "heartbeat_lost"): void;
}

/** The times of a heartbeat, and where it gets time and chance from. */
export interface HeartbeatOptions {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** How finely the wheel turns: the largest error of a ping or a verdict. */
const LONGEST_TICK_MS = 1_000;

/**
 * Pings every client once an interval and closes those from which nothing came for a timeout after that. One timer
 * turns one wheel for all; a client's first ping falls at a random place in the interval, so pings never come in a wave.
 * Time is counted in turns of the wheel: while the process stalls it stands still, and nobody is judged for that.
 */
export class Heartbeat {
  readonly #random: Random;
  readonly #intervalTicks: number;
  readonly #timeoutTicks: number;
  /** Arrays, which are used again and again: a set for each turn would be garbage, and costs more for each client. */
  readonly #slots: readonly Beating[][];
  readonly #cancel: CancelTimer;
  #now = 0;

  constructor(options: HeartbeatOptions) {
    const tick = Math.min(LONGEST_TICK_MS, options.intervalMs / 4, options.timeoutMs / 4);
    this.#random = options.random;
    this.#intervalTicks = Math.ceil(options.intervalMs / tick);
    this.#timeoutTicks = Math.ceil(options.timeoutMs / tick);
    const turn = Math.max(this.#intervalTicks, this.#timeoutTicks) + 1;
    this.#slots = Array.from({ length: turn }, () => []);
    this.#cancel = options.clock.every(tick, () => this.#turn());
  }

  /** Begins to watch. */
  add(client: Beating): void {
    this.#place(client, 1 + Math.floor(this.#random() * this.#intervalTicks), false);
  }

  /** Ends to watch. Does nothing where the client is not watched. */
  remove(client: Beating): void {
    const slot = this.#slots[client.heartbeatSlot];
    client.heartbeatSlot = -1;
    const last = slot?.pop();
    if (slot === undefined || last === undefined || last === client) return;
    slot[client.heartbeatIndex] = last;
    last.heartbeatIndex = client.heartbeatIndex;
  }

  /** Stops the wheel. */
  stop(): void {
    this.#cancel();
  }

  #place(client: Beating, ticks: number, awaitsPong: boolean): void {
    client.awaitsPong = awaitsPong;
    client.heartbeatSlot = (this.#now + ticks) % this.#slots.length;
    const slot = this.#slots[client.heartbeatSlot] ?? [];
    client.heartbeatIndex = slot.push(client) - 1;
  }

  #turn(): void {
    this.#now = (this.#now + 1) % this.#slots.length;
    const due = this.#slots[this.#now] ?? [];
    // Nobody is put back into the slot that is emptied: a place is a turn of the wheel away at most.
    for (let client = due.pop(); client !== undefined; client = due.pop()) {
      client.heartbeatSlot = -1;
      this.#visit(client);
    }
  }

  #visit(client: Beating): void {
    if (!client.awaitsPong) {
      client.isAlive = false;
      client.ping();
      this.#place(client, this.#timeoutTicks, true);
    } else if (client.isAlive) {
      this.#place(client, Math.max(1, this.#intervalTicks - this.#timeoutTicks), false);
    } else client.close("heartbeat_lost");
  }
}
