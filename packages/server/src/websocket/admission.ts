/** How many connections there may be. 0 is no cap. */
export interface AdmissionCaps {
  readonly relay: number;
  readonly address: number;
}

/** Why a connection was not admitted. */
export type AdmissionFault = "relay_full" | "address_full";

/** Gives back the place that an admitted connection took. Calling it twice does nothing. */
export type Release = () => void;

/**
 * Counts connections before anything is known of them but their address, handshakes in progress included, so that
 * nobody can hold more of the relay than the caps allow by never finishing.
 */
export class Admission {
  readonly #caps: AdmissionCaps;
  readonly #addresses = new Map<string, number>();
  #admitted = 0;

  constructor(caps: AdmissionCaps) {
    this.#caps = caps;
  }

  /** How many places are taken. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Takes a place for a connection whose address has this key, or says which cap refuses it. */
  admit(addressKey: string): Release | AdmissionFault {
    const { relay, address } = this.#caps;
    if (relay > 0 && this.#admitted >= relay) return "relay_full";
    const countsAddresses = address > 0;
    if (countsAddresses) {
      const count = this.#addresses.get(addressKey) ?? 0;
      if (count >= address) return "address_full";
      this.#addresses.set(addressKey, count + 1);
    }
    this.#admitted += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#admitted -= 1;
      if (!countsAddresses) return;
      const count = this.#addresses.get(addressKey) ?? 0;
      if (count <= 1) this.#addresses.delete(addressKey);
      else this.#addresses.set(addressKey, count - 1);
    };
  }
}
