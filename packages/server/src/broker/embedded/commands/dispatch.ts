import { textOf } from "../channel-name.ts";
import { RESP_LIMITS } from "../resp-limits.ts";
import type { CommandLine } from "../resp-parser.ts";
import type { RespSession } from "../resp-session.ts";
import { errorReply, type Reply } from "../resp-writer.ts";
import { notHere, wrongArity, type CommandContext, type CommandSpec } from "./command.ts";
import { COMMANDS } from "./table.ts";

const QUEUED: Reply = { type: "simple", text: "QUEUED" };
const EMPTY = new Uint8Array(0);

/**
 * Whether a command is the start of an HTTP request. A web page can make a browser send one to a loopback
 * port, with commands in its body: such a connection has to be closed before the body is read.
 */
export function looksLikeHttp(line: CommandLine): boolean {
  const name = textOf(line[0] ?? EMPTY).toLowerCase();
  return name === "post" || name === "host:";
}

/** Runs, queues or refuses one command, and sends its answer. `bytes` is what it costs while it is queued. */
export function dispatch(context: CommandContext, line: CommandLine, bytes: number): void {
  const { session, server } = context;
  const spoken = textOf((line[0] ?? EMPTY).subarray(0, 256));
  const spec = COMMANDS.get(spoken.toLowerCase());
  session.lastCommand = spec?.name ?? "NULL";
  session.lastCommandAt = server.clock.monotonic();
  const refusal = spec === undefined ? notHere(spoken) : whyRefused(spec, session, line, bytes);
  if (spec === undefined || refusal !== null) {
    if (session.transaction !== null) session.transaction.broken = true;
    session.send(refusal ?? notHere(spoken));
    return;
  }
  if (session.transaction !== null && spec.inTransaction !== "run") {
    session.transaction.queue.push({ spec, line });
    session.transaction.bytes += bytes;
    session.send(QUEUED);
    return;
  }
  const reply = spec.run(context, line.slice(1));
  if (reply !== null) session.send(reply);
}

function whyRefused(spec: CommandSpec, session: RespSession, line: CommandLine, bytes: number): Reply | null {
  const count = line.length - 1;
  if (count < spec.min || count > spec.max) return wrongArity(spec.name);
  if (session.protocol === 2 && session.subscriptionCount > 0 && spec.whileSubscribed !== true) {
    return errorReply(
      `ERR Can't execute '${spec.name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET ` +
        "are allowed in this context",
    );
  }
  if (session.transaction === null) return null;
  if (spec.inTransaction === "refuse") {
    return notHere(`${spec.name.toUpperCase()} inside MULTI`);
  }
  if (session.transaction.bytes + bytes > RESP_LIMITS.maxCommandBytes) {
    return errorReply("ERR the transaction is too big for the embedded broker");
  }
  return null;
}
