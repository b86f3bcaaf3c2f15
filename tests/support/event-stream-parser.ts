/** One event of a stream as an application sees it. */
export interface SeenEvent {
  readonly data: string;
  /** The id that a reconnect would give back as `Last-Event-ID`. */
  readonly lastEventId: string;
}

/** Reads a stream of server-sent events exactly as the WHATWG HTML standard says (9.2.5 and 9.2.6), at whatever places it is cut. */
export class EventStreamParser {
  readonly events: SeenEvent[] = [];
  /** Lines that said nothing. */
  comments = 0;
  /** How long to wait before coming back, in milliseconds, as the stream last said. */
  retry: number | null = null;
  lastEventId = "";
  readonly #decoder = new TextDecoder();
  #rest = "";
  #data: string[] = [];
  #id: string | null = null;

  /** Takes the next bytes. */
  push(bytes: Uint8Array): void {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    for (;;) {
      const found = /\r\n|\n|\r(?!$)/.exec(this.#rest);
      if (found === null) return;
      const line = this.#rest.slice(0, found.index);
      this.#rest = this.#rest.slice(found.index + found[0].length);
      this.#line(line);
    }
  }

  #line(line: string): void {
    if (line === "") {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.comments += 1;
      return;
    }
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(): void {
    this.lastEventId = this.#id ?? this.lastEventId;
    const data = this.#data;
    this.#data = [];
    if (data.length === 0) return;
    this.events.push({ data: data.join("\n"), lastEventId: this.lastEventId });
  }
}
