import { expect } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBrowser } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";
import { figure, fullBrowserTest } from "./support/form.ts";
import { startStage } from "./support/stage.ts";
import { freshTranscript, visit } from "./support/visitor.ts";

const question = "What happens to a client that reads too slowly?";

/** A real nginx that lets no WebSocket through, as the proxies of some offices do. */
async function startNarrowProxy(relayPort: number): Promise<{ readonly port: number } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "tidings-narrow-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${directory}/${name};`,
  );
  await Bun.write(
    join(directory, "nginx.conf"),
    `daemon off; master_process off; pid ${directory}/pid; error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.join("\n  ")}
  server {
    listen 127.0.0.1:${port};
    location / {
      if ($http_upgrade) { return 403; }
      proxy_pass http://127.0.0.1:${relayPort};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 60s;
    }
  }
}
`,
  );
  const child = Bun.spawn(["nginx", "-p", directory, "-c", "nginx.conf", "-e", "stderr"], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  await eventually("nginx passes requests on", () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

fullBrowserTest(
  "where a proxy refuses WebSockets the page lives on a stream, and stopping still works",
  async () => {
    await using disposables = new AsyncDisposableStack();
    const stage = disposables.use(
      await startStage({
        relayPort: async ({ port }) => disposables.use(await startNarrowProxy(port)).port,
      }),
    );
    await using browser = await startBrowser();
    const ada = await visit(browser, stage, "Ada");
    expect(await ada.status.textContent()).toBe("Live, receiving only");
    await ada.ask(question);
    await ada.settled("done");
    expect(await ada.transcript()).toEqual(await freshTranscript(browser, stage, "Ada", ada.page.url()));

    await ada.ask("Which close codes are there?");
    await ada.answerGrows(20);
    const pressed = performance.now();
    await ada.page.getByRole("button", { name: "Stop", exact: true }).click();
    await eventually(
      "the worker has stopped",
      async () => (await stage.agent.stored("ada"))[1]?.state === "failed",
    );
    figure("stopped without a WebSocket after", `${Math.round(performance.now() - pressed)} ms`);
    await ada.settled("failed");
    expect(ada.rereads).toBe(0);
    expect(ada.errors).toEqual([]);
  },
);
