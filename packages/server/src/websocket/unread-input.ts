import { readFileSync } from "node:fs";

/** The tables of TCP connections of this network namespace; on other systems than Linux there are none. */
const TABLES = ["/proc/net/tcp", "/proc/net/tcp6"];

const ROW =
  /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) 01 [0-9A-F]{8}:(?!0{8})([0-9A-F]{8}) /gm;

/** Bytes of input that wait in the kernel, by the other end of the connection: `192.0.2.1:50000`. */
export type UnreadInput = ReadonlyMap<string, number>;

/** How a peer is written here: IPv4 within IPv6 as IPv4, so that both kinds of listener agree. */
export function peerName(address: string, port: number): string {
  return `${address.startsWith("::ffff:") ? address.slice(7) : address}:${port}`;
}

/**
 * The established connections to a local port that have more than `overBytes` unread; none where the system does not say.
 * It reads at once: a flooded event loop would take seconds to get through the steps of a read that waits.
 */
export function readUnreadInput(localPort: number, overBytes: number): UnreadInput {
  const unread = new Map<string, number>();
  for (const table of TABLES) {
    for (const [, local = "", address = "", port = "", queued = ""] of contents(table).matchAll(ROW)) {
      const bytes = Number.parseInt(queued, 16);
      if (bytes <= overBytes || Number.parseInt(local, 16) !== localPort) continue;
      unread.set(peerName(addressOf(address), Number.parseInt(port, 16)), bytes);
    }
  }
  return unread;
}

function contents(table: string): string {
  try {
    return readFileSync(table, "latin1");
  } catch {
    return "";
  }
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
