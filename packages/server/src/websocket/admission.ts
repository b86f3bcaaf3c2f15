import type { Clock } from "../clock.ts";

/** How many connections there may be. 0 is no cap. */
export interface AdmissionCaps {
  readonly relay: number;
  readonly address: number;
}

/** Why a connection was not admitted. */
export type AdmissionFault = "relay_full" | "address_full";

/**
 * Gives back the place that an admitted connection took. Calling it twice does nothing. `lingers` says that the relay
 * closed a connection whose other side may keep it half open: its place is free once Bun has given up waiting.
 */
export type Release = (lingers: boolean) => void;

/** How long a socket may stay half open after the relay closed it: Bun was seen to take 4 to 8 s. */
const LINGER_MS = 8_000;

/**
 * Counts connections before anything is known of them but their address, handshakes in progress included, so that
 * nobody can hold more of the relay than the caps allow by never finishing.
 */
export class Admission {
  readonly #caps: AdmissionCaps;
  readonly #clock: Clock;
  readonly #addresses = new Map<string, number>();
  #admitted = 0;

  constructor(caps: AdmissionCaps, clock: Clock) {
    this.#caps = caps;
    this.#clock = clock;
  }

  /** How many places are taken. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Takes a place for a connection whose address has this key, or says which cap refuses it. */
  admit(addressKey: string): Release | AdmissionFault {
    const { relay, address } = this.#caps;
    if (relay > 0 && this.#admitted >= relay) return "relay_full";
    if (address > 0) {
      const count = this.#addresses.get(addressKey) ?? 0;
      if (count >= address) return "address_full";
      this.#addresses.set(addressKey, count + 1);
    }
    this.#admitted += 1;
    let isHeld = true;
    return (lingers) => {
      if (!isHeld) return;
      isHeld = false;
      if (lingers) this.#clock.after(LINGER_MS, () => this.#free(addressKey));
      else this.#free(addressKey);
    };
  }

  #free(addressKey: string): void {
    this.#admitted -= 1;
    const count = this.#addresses.get(addressKey);
    if (count === undefined) return;
    if (count === 1) this.#addresses.delete(addressKey);
    else this.#addresses.set(addressKey, count - 1);
  }
}
