import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli } from "../../packages/server/src/cli/test-support.ts";
import { eventually } from "../support/eventually.ts";
import { startTidings } from "../support/process.ts";
import { freePort, startRedis } from "../support/redis-server.ts";

setDefaultTimeout(60_000);

const faults = [
  {
    name: "fault.tls.wrong-host: a certificate for another host is named as that, though its authority is trusted",
    certificate: { host: "redis.example.com", isTrusted: true },
    says: "the certificate of Redis is for another host name",
  },
  {
    name: "fault.tls.expired: a certificate that has expired is named as that, though its authority is trusted",
    certificate: { host: "localhost", isTrusted: true, days: "0" },
    says: "the certificate of Redis has expired",
  },
  {
    name: "fault.tls.self-signed: a certificate that nobody vouches for is named as that",
    certificate: { host: "localhost", isTrusted: false },
    says: "no authority that this machine trusts vouches for the certificate of Redis",
  },
] as const;

for (const { name, certificate, says } of faults) {
  test(name, async () => {
    await using made = await makeCertificate(certificate);
    const port = await freePort();
    await using _redis = await startRedis({ args: ["--tls-port", String(port), ...made.redisArgs] });
    const environment = {
      TIDINGS_REDIS_URL: `rediss://relay:geheim@localhost:${port}`,
      TIDINGS_INSECURE_USER_ID: "true",
      TIDINGS_HOST: "127.0.0.1",
      TIDINGS_PORT: "0",
      ...(certificate.isTrusted ? { NODE_EXTRA_CA_CERTS: made.path } : {}),
    };
    await using relay = startTidings(["serve"], environment);
    await eventually("the relay names the fault", () => relay.output().includes(says));
    const doctor = await runCli(["doctor"], environment);
    expect([doctor.status, doctor.out]).toEqual([1, expect.stringContaining(says)]);
    expect(relay.output() + doctor.out).not.toContain("geheim");
  });
}

test("fault.tls.plaintext: where TLS is asked for and not spoken, no password and no command leaves the relay", async () => {
  await using listener = await listen("-ERR unknown command\r\n");
  await using relay = startTidings(["serve"], {
    TIDINGS_REDIS_URL: `rediss://relay:geheim@localhost:${listener.port}`,
    TIDINGS_INSECURE_USER_ID: "true",
    TIDINGS_HOST: "127.0.0.1",
    TIDINGS_PORT: "0",
  });
  await eventually("the relay came back several times", () => listener.heard.length >= 4);
  // The record type of a TLS handshake.
  expect(new Set(listener.heard.map((bytes) => bytes[0]))).toEqual(new Set([0x16]));
  const all = Buffer.concat(listener.heard).toString("latin1");
  for (const word of ["geheim", "HELLO", "AUTH", "SUBSCRIBE"]) expect(all).not.toContain(word);
  expect(relay.output()).toContain("what listens at the address of Redis does not speak TLS");
});

/** Listens on loopback, keeps the first bytes of each connection, and answers with a text. */
async function listen(
  answer: string,
): Promise<AsyncDisposable & { readonly port: number; readonly heard: Buffer[] }> {
  const heard: Buffer[] = [];
  const server: Server = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", (bytes: Buffer) => {
        heard.push(bytes);
        socket.end(answer);
      });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "localhost", resolve));
  return {
    port,
    heard,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}

interface CertificateOptions {
  readonly host: string;
  /** For how many days it holds; 0 is over at once. */
  readonly days?: string;
}

/** A self-signed certificate for a host, in a directory of its own. */
async function makeCertificate({
  host,
  days = "2",
}: CertificateOptions): Promise<AsyncDisposable & { path: string; redisArgs: string[] }> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-tls-"));
  const [key, path] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const request = join(directory, "request.pem");
  const extensions = join(directory, "extensions");
  await Bun.write(extensions, `subjectAltName=DNS:${host}\nbasicConstraints=CA:TRUE\n`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await openssl("req", "-new", ...curve, "-keyout", key, "-out", request, "-subj", `/CN=${host}`);
  const signed = ["-req", "-in", request, "-signkey", key, "-extfile", extensions, "-out", path];
  await openssl("x509", ...signed, "-days", days);
  return {
    path,
    redisArgs: ["--tls-cert-file", path, "--tls-key-file", key, "--tls-auth-clients", "no"],
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

async function openssl(...words: readonly string[]): Promise<void> {
  const child = Bun.spawn(["openssl", ...words], { stdio: ["ignore", "ignore", "ignore"] });
  if ((await child.exited) !== 0) throw new Error(`openssl ${words[0]} failed`);
}
