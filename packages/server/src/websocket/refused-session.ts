import { type CloseName, closeCodes, closingFrame, type ErrorCode, errorFrame } from "@tidings/protocol";
import type { ServerWebSocket } from "bun";
import type { Refusal, RefusalCode } from "../auth/authenticator.ts";
import type { Session } from "./session.ts";

/** How long to wait before a token that could not be judged is tried again, in milliseconds. */
const RETRY_AFTER_MS = 5_000;

/** By what row of the table a refusal closes, where it is no plain one. */
const closeNames: Partial<Record<RefusalCode, CloseName>> = {
  unavailable: "try_later",
  revoked: "forbidden",
};

/** What the client is told of such a refusal. */
const errorCodes: Partial<Record<RefusalCode, ErrorCode>> = {
  unavailable: "unavailable",
  revoked: "token_revoked",
};

/**
 * A Tidings client whose token was refused. It was upgraded only to be told so, because a browser cannot read the status
 * of a handshake that failed; it is closed as soon as it is open, and nothing it sends is looked at. The code is 4401, 4403
 * where the token was revoked, or 1013 where the relay could not tell whether it holds.
 */
export class RefusedSession implements Session {
  readonly #refusal: Refusal;
  readonly #name: CloseName;
  readonly #onClosed: (by: CloseName) => void;

  /** `onClosed` is told by which row of the table, once the socket is gone. */
  constructor(refusal: Refusal, onClosed: (by: CloseName) => void) {
    this.#refusal = refusal;
    this.#name = closeNames[refusal.code] ?? "token_refused";
    this.#onClosed = onClosed;
  }

  opened(socket: ServerWebSocket<Session>): void {
    const { code, comeBack, reason } = closeCodes[this.#name];
    const error = errorCodes[this.#refusal.code] ?? "token_refused";
    socket.send(errorFrame({ code: error, message: this.#refusal.reason }));
    const retry = comeBack === "later" ? { retry_after_ms: RETRY_AFTER_MS } : {};
    socket.send(closingFrame({ code, reason, come_back: comeBack, ...retry }));
    socket.close(code, reason);
  }

  received(): void {}

  pinged(): void {}

  heard(): void {}

  drained(): void {}

  closed(): void {
    this.#onClosed(this.#name);
  }
}
