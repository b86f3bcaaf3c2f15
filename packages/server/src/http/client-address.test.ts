import { describe, expect, test } from "bun:test";
import { ClientAddressReader } from "./client-address.ts";

const reader = new ClientAddressReader(["10.0.0.0/8", "192.0.2.7", "::1", "fd00::/8"]);

describe("the client's address", () => {
  test.each([
    ["is the peer's where there is no header", "203.0.113.9", null, "203.0.113.9"],
    ["is the peer's where the header is empty", "10.0.0.1", "", "10.0.0.1"],
    ["is the peer's where the peer is not trusted", "203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["is what a trusted peer saw", "10.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["is not what the client wrote itself", "10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"],
    [
      "is found past several trusted hops",
      "10.0.0.1",
      "1.1.1.1, 198.51.100.1, 10.2.2.2, 192.0.2.7",
      "198.51.100.1",
    ],
    [
      "is not found past a hop that is not trusted",
      "10.0.0.1",
      "198.51.100.1, 192.0.2.8, 10.2.2.2",
      "192.0.2.8",
    ],
    ["is the leftmost where all hops are trusted", "10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"],
    ["is read past empty entries", "10.0.0.1", " , 198.51.100.1,, ,", "198.51.100.1"],
    ["is the peer's where a hop wrote garbage", "10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"],
    [
      "is the peer's where a hop further on wrote garbage",
      "10.0.0.1",
      "198.51.100.1, _hidden, 10.2.2.2",
      "10.0.0.1",
    ],
    [
      "does not depend on garbage that the client wrote",
      "10.0.0.1",
      "<script>, 198.51.100.1",
      "198.51.100.1",
    ],
    ["loses its port", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1"],
    ["loses brackets and port", "10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"],
    ["loses brackets", "10.0.0.1", "[2001:db8::1]", "2001:db8::1"],
    [
      "keeps the last group of an IPv6 address without brackets",
      "10.0.0.1",
      "2001:db8::1:4711",
      "2001:db8::1:4711",
    ],
    ["is written shortest", "fd00::1", "2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"],
    ["loses its zone", "fe80::1%eth0", null, "fe80::1"],
    ["is IPv4 where it is IPv4 within IPv6", "::ffff:203.0.113.9", null, "203.0.113.9"],
    ["is IPv4 where it is so in hexadecimal", "::ffff:cb00:7109", null, "203.0.113.9"],
    ["is found through a trusted peer within IPv6", "::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
    ["is found through a trusted IPv6 peer", "0:0:0:0:0:0:0:1", "198.51.100.1", "198.51.100.1"],
    ["is the peer's where an entry is no address: 1.2.3", "10.0.0.1", "1.2.3", "10.0.0.1"],
    ["is the peer's where an entry is no address: 01.2.3.4", "10.0.0.1", "01.2.3.4", "10.0.0.1"],
    ["is the peer's where an entry is no address: [1.2.3.4", "10.0.0.1", "[1.2.3.4", "10.0.0.1"],
    ["is the peer's where an entry is no address: 1.2.3.4:", "10.0.0.1", "1.2.3.4:", "10.0.0.1"],
    ["is the peer's where an entry is quoted", "10.0.0.1", '"198.51.100.1"', "10.0.0.1"],
    ["is the peer as it came where that is no address", "", "198.51.100.1", ""],
  ] as const)("%s", (_, peer, header, expected) => {
    expect(reader.read(peer, header)).toBe(expected);
  });

  test("is always the peer's where nothing is trusted", () => {
    expect(new ClientAddressReader([]).read("127.0.0.1", "198.51.100.1")).toBe("127.0.0.1");
  });

  test("is read through a network that is trusted as IPv4 within IPv6", () => {
    const mapped = new ClientAddressReader(["::ffff:10.0.0.0/104"]);
    expect(mapped.read("10.0.0.1", "198.51.100.1")).toBe("198.51.100.1");
    expect(mapped.read("11.0.0.1", "198.51.100.1")).toBe("11.0.0.1");
  });

  test("is read from a header of a million entries", () => {
    expect(reader.read("10.0.0.1", `${"1.1.1.1,".repeat(1_000_000)}198.51.100.1`)).toBe("198.51.100.1");
    expect(reader.read("10.0.0.1", ",".repeat(1_000_000))).toBe("10.0.0.1");
  });
});

describe("the key that connections are counted by", () => {
  test.each([
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2:ffff::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:db8:0:0:9::1", "2001:db8:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["1::", "1:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["not an address", "not an address"],
  ])("of %s is %s", (address, key) => {
    expect(reader.key(address)).toBe(key);
  });
});

test.each([
  "",
  "10.0.0.0/33",
  "::1/129",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0/8",
  "proxy.internal",
  "10.0.0.0/-1",
])("%j is no trusted proxy, and says so at construction", (entry) => {
  expect(() => new ClientAddressReader([entry])).toThrow(/^trusted_proxies: /);
});

test("every address can be trusted", () => {
  const all = new ClientAddressReader(["0.0.0.0/0", "::/0"]);
  expect(all.read("203.0.113.9", "198.51.100.1, 2001:db8::1")).toBe("198.51.100.1");
});
