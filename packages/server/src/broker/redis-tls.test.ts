import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startRedis } from "../../../../tests/support/redis-server.ts";
import { ObservedBroker } from "./redis-test-support.ts";
import { eventually } from "../../../../tests/support/eventually.ts";

test("rediss:// connects where the certificate is vouched for, and names the fault where it is not", async () => {
  await using certificate = await makeCertificate();
  const tlsPort = await freePort();
  await using redis = await startRedis({ args: ["--tls-port", String(tlsPort), ...certificate.redisArgs] });
  const url = `rediss://localhost:${tlsPort}`;

  await using stranger = new ObservedBroker(url);
  await eventually("the reason is told", () => stranger.reason.includes("SELF_SIGNED"));

  // Certificates to trust are read when a process starts, so this takes one of its own.
  const child = Bun.spawn([process.execPath, "-e", trusting], {
    cwd: import.meta.dir,
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.path, URL_UNDER_TEST: url },
    stdout: "pipe",
  });
  expect(await new Response(child.stdout).text()).toBe("healthy\n");
  expect(redis.port).not.toBe(tlsPort);
}, 20_000);

test("nothing is sent, no password above all, before the certificate is vouched for", async () => {
  await using certificate = await makeCertificate();
  let received = 0;
  let failed = 0;
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    tls: { cert: Bun.file(certificate.path), key: Bun.file(certificate.keyPath) },
    socket: { data: (_, bytes) => void (received += bytes.length), close: () => void (failed += 1) },
  });
  await using it = new ObservedBroker(`rediss://:sesame@localhost:${server.port}`);
  await eventually("both connections were given up", () => failed >= 2);
  expect([received, it.reason.includes("SELF_SIGNED")]).toEqual([0, true]);
  server.stop(true);
});

test("a certificate for another host is refused, although its issuer is trusted", async () => {
  await using certificate = await makeCertificate();
  const tlsPort = await freePort();
  await using redis = await startRedis({ args: ["--tls-port", String(tlsPort), ...certificate.redisArgs] });
  const child = Bun.spawn([process.execPath, "-e", distrusting], {
    cwd: import.meta.dir,
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: certificate.path,
      URL_UNDER_TEST: `rediss://127.0.0.1:${tlsPort}`,
    },
    stdout: "pipe",
  });
  expect(await new Response(child.stdout).text()).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(redis.port).not.toBe(tlsPort);
}, 20_000);

const distrusting = `
  const { RedisSubscriber } = await import("${import.meta.dir}/redis-subscriber.ts");
  const { parseRedisUrl } = await import("${import.meta.dir}/redis-target.ts");
  const { PostQueue } = await import("${import.meta.dir}/post-queue.ts");
  const { ReadPacer, unpaced } = await import("${import.meta.dir}/read-pacer.ts");
  const pacer = new ReadPacer({ ...unpaced, clock: {} });
  const subscriber = new RedisSubscriber({
    target: parseRedisUrl(process.env.URL_UNDER_TEST), name: "test", subscriptions: new Map(), pacer,
    posts: new PostQueue({ timeoutMs: 1_000, maxBytes: 1, clock: {} }), gatherMs: 0, clock: {}, onFault() {},
  });
  await subscriber.open().catch((error) => console.log(error.code));
  subscriber.destroy();
`;

const trusting = `
  const { ObservedBroker } = await import("${import.meta.dir}/redis-test-support.ts");
  await using it = new ObservedBroker(process.env.URL_UNDER_TEST);
  await it.healthy();
  console.log("healthy");
`;

/** A self-signed certificate for localhost, in a directory of its own. */
async function makeCertificate(): Promise<
  AsyncDisposable & { path: string; keyPath: string; redisArgs: string[] }
> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-tls-"));
  const key = join(directory, "key.pem");
  const path = join(directory, "cert.pem");
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const command = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
  ];
  const child = Bun.spawn([...command, "-days", "2", "-keyout", key, "-out", path, ...subject], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  if ((await child.exited) !== 0) throw new Error("openssl could not make a certificate");
  return {
    path,
    keyPath: key,
    redisArgs: ["--tls-cert-file", path, "--tls-key-file", key, "--tls-auth-clients", "no"],
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
