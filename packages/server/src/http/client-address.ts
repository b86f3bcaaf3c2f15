import { BlockList, isIP } from "node:net";

const IPV4_MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * Tells from which address a request really comes, behind any number of proxies.
 *
 * Every proxy appends to `X-Forwarded-For` the address that it saw. What stands on the left was written by
 * whoever connected to the first proxy, so it proves nothing: the header is read from the right, for as long
 * as the one who wrote the entry is trusted. Proxies that do not append but pass the header on as it came
 * must not be trusted.
 */
export class ClientAddressReader {
  readonly #trusted: BlockList;
  readonly #trustsNobody: boolean;

  /**
   * Takes addresses and networks: `10.0.0.0/8`, `::1`.
   * @throws {TypeError} in one sentence, when one of them is neither.
   */
  constructor(trusted: readonly string[]) {
    this.#trusted = new BlockList();
    this.#trustsNobody = trusted.length === 0;
    for (const entry of trusted) addTrusted(this.#trusted, entry);
  }

  /**
   * The address of the client, in its shortest form: the first from the right that is no trusted proxy; where
   * all are, the leftmost. `peer` is the other end of the TCP connection, `forwardedFor` the header's value
   * (several headers joined by commas), null where there is none. An entry on the way that is no address
   * makes it the peer's. Never throws.
   */
  read(peer: string, forwardedFor: string | null): string {
    const nearest = canonical(peer);
    if (nearest === null) return peer;
    if (this.#trustsNobody) return nearest;
    let address = nearest;
    for (const entry of fromTheRight(forwardedFor ?? "")) {
      if (!this.#isTrusted(address)) return address;
      if (entry === "") continue;
      const next = canonical(withoutPort(entry));
      if (next === null) return nearest;
      address = next;
    }
    return address;
  }

  /**
   * What connections are counted by: an IPv4 address as it is; for IPv6 its /64, since one household or one
   * server has that many addresses to itself. Any other text is its own key.
   */
  key(address: string): string {
    const known = canonical(address);
    if (known === null) return address;
    return known.includes(":") ? `${firstFourGroups(known)}::/64` : known;
  }

  #isTrusted(address: string): boolean {
    return this.#trusted.check(address, address.includes(":") ? "ipv6" : "ipv4");
  }
}

function addTrusted(list: BlockList, entry: string): void {
  const [text = "", bits, ...more] = entry.trim().split("/");
  const version = isIP(text);
  const family = version === 6 ? "ipv6" : "ipv4";
  const most = version === 6 ? 128 : 32;
  const isPrefix = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (version === 0 || more.length > 0 || !isPrefix) {
    throw new TypeError(`trusted_proxies: ${JSON.stringify(entry)} is neither an address nor a network`);
  }
  list.addSubnet(text, bits === undefined ? most : Number(bits), family);
}

/**
 * The entries of a list, last first, one at a time: a long forged header costs only as far as it is believed.
 */
function* fromTheRight(list: string): Generator<string> {
  let end = list.length;
  while (end >= 0) {
    const comma = end === 0 ? -1 : list.lastIndexOf(",", end - 1);
    yield list.slice(comma + 1, end).trim();
    end = comma;
  }
}

/** `192.0.2.1:443`, `[2001:db8::1]:443` and `[2001:db8::1]`, as some proxies write them, without the port. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(entry);
  if (bracketed !== null) return bracketed[1] ?? "";
  return /^[^:]+:\d{1,5}$/.test(entry) ? entry.slice(0, entry.indexOf(":")) : entry;
}

/** The one form of an address that texts can be compared in, without zone; null where it is no address. */
function canonical(text: string): string | null {
  const version = isIP(text);
  if (version === 0) return null;
  if (version === 4) return text;
  const [address = ""] = text.split("%");
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const mapped = IPV4_MAPPED.exec(short);
  return mapped === null ? short : dotted(mapped[1] ?? "", mapped[2] ?? "");
}

function dotted(high: string, low: string): string {
  const halves = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return halves.map((half) => `${half >> 8}.${half & 0xff}`).join(".");
}

function firstFourGroups(canonicalIpv6: string): string {
  const [head = "", tail] = canonicalIpv6.split("::");
  const front = head === "" ? [] : head.split(":");
  const back = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  return [...front, ...Array<string>(zeros).fill("0"), ...back].slice(0, 4).join(":");
}
