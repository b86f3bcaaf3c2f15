/** The offset of an update from the log: always its last member. */
const lastMember = /,"offset":"(\*?)([\w-]+\.\d+)"\}$/;

/** Where this tab is in its user's log and in the one of broadcasts, from which it asks to resume. */
export class Place {
  #user: string | null = null;
  #broadcast: string | null = null;

  /** What to ask for: everything that is held, until the relay has said where this tab stands. */
  get since(): string {
    return this.#user === null || this.#broadcast === null ? "earliest" : `${this.#user},*${this.#broadcast}`;
  }

  /** Takes the place that the relay tells in its welcome, the user's offset and that of broadcasts. */
  stand(offset: string): void {
    const [user = "", broadcast = ""] = offset.split(",");
    this.#user = user;
    this.#broadcast = broadcast.slice(1);
  }

  /** Moves behind a frame that arrived, where that is an update from a log. */
  passed(frame: string): void {
    const [, mark, offset] = lastMember.exec(frame) ?? [];
    if (this.#user === null || offset === undefined) return;
    if (mark === "*") this.#broadcast = offset;
    else this.#user = offset;
  }
}
