import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";

/** How a test's nginx differs from `deploy/nginx.conf`. */
export interface NginxOptions {
  /** Ports of the relays behind it. */
  readonly relays: readonly number[];
  /** Value of `proxy_read_timeout` for `/ws`, such as `3s`. */
  readonly readTimeout?: string;
  /** `plain`: no more than `proxy_pass`, with what nginx does unless it is told otherwise. */
  readonly site?: "shipped" | "plain";
}

/** A real nginx with the site of `deploy/nginx.conf` on loopback, as a plain process. */
export interface NginxServer extends AsyncDisposable {
  /** Port with TLS and a certificate of the test's own. */
  readonly tlsPort: number;
  /** The same site without TLS. */
  readonly port: number;
}

/** Starts nginx and resolves when it listens. Rejects with its log where it does not. */
export async function startNginx(options: NginxOptions): Promise<NginxServer> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-nginx-"));
  const [tlsPort, port] = [await freePort(), await freePort()];
  await makeCertificate(directory);
  await Bun.write(join(directory, "site.conf"), await site(options, { directory, tlsPort, port }));
  await Bun.write(join(directory, "nginx.conf"), main(directory));
  const child = Bun.spawn(["nginx", "-p", directory, "-c", "nginx.conf", "-e", "stderr"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const log = new Response(child.stderr).text();
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await child.exited;
    await rm(directory, { recursive: true, force: true });
  };
  await eventually("nginx listens", () => child.exitCode !== null || isListening(port));
  if (child.exitCode !== null) {
    await stop();
    throw new Error(`nginx did not start:\n${await log}`);
  }
  return { tlsPort, port, [Symbol.asyncDispose]: stop };
}

interface Place {
  readonly directory: string;
  readonly tlsPort: number;
  readonly port: number;
}

/** The site as it is shipped, with this machine's ports, certificate and relays in place of the example's. */
async function site(options: NginxOptions, { directory, tlsPort, port }: Place): Promise<string> {
  if (options.site === "plain") {
    const to = `http://127.0.0.1:${options.relays[0]}`;
    return `server { listen 127.0.0.1:${port}; location / { proxy_pass ${to}; } }`;
  }
  const shipped = await Bun.file(join(import.meta.dirname, "../../deploy/nginx.conf")).text();
  const servers = options.relays.map((relay) => `server 127.0.0.1:${relay};`).join(" ");
  const changes: readonly (readonly [string, string])[] = [
    ["server 127.0.0.1:8080;", servers],
    ["listen 443 ssl;", `listen 127.0.0.1:${tlsPort} ssl; listen 127.0.0.1:${port};`],
    ["/etc/ssl/app.example.com.pem", join(directory, "cert.pem")],
    ["/etc/ssl/app.example.com.key", join(directory, "key.pem")],
    ["proxy_read_timeout 60s;", `proxy_read_timeout ${options.readTimeout ?? "60s"};`],
  ];
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`deploy/nginx.conf has no ${JSON.stringify(from)}`);
    return text.replace(from, to);
  }, shipped);
}

function main(directory: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join("\n  ");
  return `daemon off; master_process off; pid ${directory}/pid; error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary}
  include ${directory}/site.conf;
}
`;
}

async function makeCertificate(directory: string): Promise<void> {
  const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "cert.pem")];
  const words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"];
  const child = Bun.spawn(["openssl", ...words, ...files], { stdout: "ignore", stderr: "pipe" });
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text());
}

async function isListening(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}
