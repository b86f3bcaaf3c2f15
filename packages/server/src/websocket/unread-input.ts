import { closeSync, openSync, readSync } from "node:fs";
import { isIP } from "node:net";

/** The tables of TCP connections of this network namespace; on other systems than Linux there are none. */
const IPV4_TABLE = "/proc/net/tcp";
const IPV6_TABLE = "/proc/net/tcp6";

/** Room for what one read of a table gives: a page of memory, which is 64 KiB at most. */
const READ_BYTES = 65_536;

/**
 * A read that gives less was the last: a page has 4 KiB at least, and no row takes 500 bytes. To read on until nothing comes
 * has the kernel walk through all connections once more, without a row to stop at.
 */
const FULL_BYTES = 3_584;

/** How a row writes that its connection is established. */
const ESTABLISHED = "01 ";

/** Bytes of input that wait in the kernel, by the other end of the connection: `192.0.2.1:50000`. */
export type UnreadInput = ReadonlyMap<string, number>;

/** How a peer is written here: IPv4 within IPv6 as IPv4, so that both kinds of listener agree. */
export function peerName(address: string, port: number): string {
  return `${address.startsWith("::ffff:") ? address.slice(7) : address}:${port}`;
}

/** The tables that tell of connections to a listener: a listener on `::` has those over IPv4 in the table of IPv6 too. */
export function tablesOf(host: string): readonly string[] {
  const version = isIP(host);
  return [...(version === 6 ? [] : [IPV4_TABLE]), ...(version === 4 ? [] : [IPV6_TABLE])];
}

/**
 * One look at the established connections to a local port that have more than `overBytes` unread; there are none where the
 * system does not say. A table holds all connections of the machine, so it is taken in parts. What connects or closes between
 * the parts may make it miss a connection. No step of it waits: a flooded event loop would take seconds to return.
 */
export class UnreadLook {
  readonly #port: string;
  readonly #overBytes: number;
  readonly #unread = new Map<string, number>();
  readonly #page = Buffer.allocUnsafe(READ_BYTES);
  readonly #left: string[];
  #file: number | null = null;
  #unfinishedRow = "";

  constructor(tables: readonly string[], localPort: number, overBytes: number) {
    this.#port = localPort.toString(16).toUpperCase().padStart(4, "0");
    this.#overBytes = overBytes;
    this.#left = [...tables];
  }

  /**
   * Reads one page, and more until `isEnough`, which is asked after each. A page of rows takes about 0.1 ms; one that others'
   * connections lie before takes what it costs to pass them, some 0.3 ms per thousand. Returns what was found once all was
   * read, and null before. Never throws.
   */
  read(isEnough: () => boolean): UnreadInput | null {
    while (this.#file !== null || this.#openNext()) {
      this.#readPage();
      if (isEnough() && (this.#file !== null || this.#left.length > 0)) return null;
    }
    return this.#unread;
  }

  /** Ends the look where it is. Idempotent. */
  close(): void {
    this.#left.length = 0;
    this.#closeFile();
  }

  /** Opens the next table that there is, and tells whether there is one. */
  #openNext(): boolean {
    for (let table = this.#left.shift(); table !== undefined; table = this.#left.shift()) {
      try {
        this.#file = openSync(table, "r");
        return true;
      } catch {
        // A system without IPv6 has the first alone, and others than Linux have none.
      }
    }
    return false;
  }

  #readPage(): void {
    const length = this.#pageLength();
    const rows = (this.#unfinishedRow + this.#page.toString("latin1", 0, length)).split("\n");
    this.#unfinishedRow = rows.pop() ?? "";
    for (const row of rows) this.#take(row);
    if (length < FULL_BYTES) this.#closeFile();
  }

  #pageLength(): number {
    try {
      return this.#file === null ? 0 : readSync(this.#file, this.#page, 0, READ_BYTES, null);
    } catch {
      return 0;
    }
  }

  #closeFile(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#unfinishedRow = "";
  }

  /** Most rows are of others: each is put aside by as little of it as will do. `N: ADDRESS:PORT ADDRESS:PORT ST TX:RX …` */
  #take(row: string): void {
    const local = row.indexOf(": ") + 2;
    const localPort = row.indexOf(":", local) + 1;
    if (localPort === 0 || !row.startsWith(this.#port, localPort)) return;
    const peer = localPort + 5;
    const peerPort = peer + (localPort - local);
    const state = peerPort + 5;
    if (!row.startsWith(ESTABLISHED, state)) return;
    const bytes = hexadecimal(row, state + 12, 8);
    if (bytes <= this.#overBytes) return;
    const name = peerName(addressOf(row.slice(peer, peerPort - 1)), hexadecimal(row, peerPort, 4));
    this.#unread.set(name, bytes);
  }
}

function hexadecimal(row: string, at: number, digits: number): number {
  return Number.parseInt(row.slice(at, at + digits), 16);
}

/** The kernel writes each 32-bit word in the byte order of the machine, of which all that Bun runs on are little-endian. */
function addressOf(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex")].toReversed());
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? bytes.slice(12).join(".") : new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
