import { parseOffset, parsePosition } from "../judge/offset.ts";

/**
 * What a client has to remember to resume, as `docs/protocol.md` says: where the latest welcome put it, and since then the
 * offset of the last update of its own log and of the broadcasts.
 */
export class RememberedPlace {
  #user: string | null = null;
  #broadcast: string | null = null;

  /** What to resume from, or null where nothing is known. */
  get since(): string | null {
    const offsets = [this.#user, this.#broadcast].filter((offset) => offset !== null);
    return offsets.length === 0 ? null : offsets.join(",");
  }

  /** Takes the offset of a welcome, which says where the connection stands before what follows. */
  stands(offset: string | null): void {
    const { user, broadcast } = parsePosition(offset);
    if (user !== null) this.#user = `${user.epoch}.${user.n}`;
    if (broadcast !== null) this.#broadcast = `*${broadcast.epoch}.${broadcast.n}`;
  }

  /** Takes the offset of an update. */
  received(offset: string): void {
    if (parseOffset(offset)?.isBroadcast === true) this.#broadcast = offset;
    else this.#user = offset;
  }
}
