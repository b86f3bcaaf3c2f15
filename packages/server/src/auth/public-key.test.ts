import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publicKeys } from "./public-key.ts";

const pair = generateKeyPairSync("ed25519");
const publicPem = pair.publicKey.export({ type: "spki", format: "pem" });
const privatePem = pair.privateKey.export({ type: "pkcs8", format: "pem" });

function inFile(text: string, check: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "tidings-key-"));
  try {
    const path = join(folder, "key.pem");
    writeFileSync(path, text);
    check(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a public key is read from PEM, from PEM with escaped line breaks, and from a file", () => {
  expect(publicKeys(publicPem).algorithms).toEqual(["EdDSA", "Ed25519"]);
  expect(publicKeys(publicPem.replaceAll("\n", "\\n")).algorithms).toEqual(["EdDSA", "Ed25519"]);
  inFile(publicPem, (path) => expect(publicKeys(path).algorithms).toEqual(["EdDSA", "Ed25519"]));
});

test("an RSA public key is read in its older form too", () => {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ type: "pkcs1", format: "pem" });
  expect(publicKeys(pem).algorithms).toContain("RS256");
});

test("a private key is refused in one sentence that does not repeat it, from PEM and from a file", () => {
  const sentence =
    "jwt_public_key holds a private key: give the relay the public half, and keep this one away";
  expect(() => publicKeys(privatePem)).toThrow(new TypeError(sentence));
  inFile(privatePem, (path) => expect(() => publicKeys(path)).toThrow(new TypeError(sentence)));
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sec1 = privateKey.export({ type: "sec1", format: "pem" });
  expect(() => publicKeys(sec1)).toThrow(new TypeError(sentence));
});

test("garbage is refused in one sentence that names the setting", () => {
  const garbage = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";
  expect(() => publicKeys(garbage)).toThrow(/^jwt_public_key holds no readable public key in PEM$/);
  expect(() => publicKeys("/no/such/file.pem")).toThrow(/^jwt_public_key is not PEM, .* \(ENOENT\)$/);
  expect(() => publicKeys("MCowBQYDK2Vw\nAAAA")).toThrow(
    /^jwt_public_key is neither PEM nor the path of a file$/,
  );
  expect(() => publicKeys("a\0b")).toThrow(/^jwt_public_key is not PEM/);
  inFile("hello", (path) => expect(() => publicKeys(path)).toThrow(/^jwt_public_key is the path .* no PEM$/));
});

test("keys that are too short or of another kind are refused", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const short = rsa.export({ type: "spki", format: "pem" });
  expect(() => publicKeys(short)).toThrow(
    "jwt_public_key is an RSA key of 1024 bits; at least 2048 are needed",
  );
  const x25519 = generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" });
  expect(() => publicKeys(x25519)).toThrow(/^jwt_public_key is a kind of key that is not supported/);
});
