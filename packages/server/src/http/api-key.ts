import { createHash, timingSafeEqual } from "node:crypto";
import { problemResponse } from "./problem.ts";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Checks `Authorization: Bearer` against the API key, in a time that says nothing about the key. */
export class ApiKey {
  readonly #digest: Buffer | null;

  /** Without a key nobody passes. */
  constructor(key: string | undefined) {
    this.#digest = key === undefined ? null : digest(key);
  }

  /** The answer to a request that may not pass, or null where it may. */
  refuse(request: Request): Response | null {
    if (this.#digest === null) {
      return problemResponse({
        status: 403,
        code: "api_off",
        title: "HTTP interface off",
        detail: "Set TIDINGS_API_KEY on the relay to use this interface.",
      });
    }
    const [scheme = "", key = "", ...rest] = (request.headers.get("authorization") ?? "").split(" ");
    const isRight = timingSafeEqual(digest(key), this.#digest);
    if (scheme.toLowerCase() === "bearer" && rest.length === 0 && isRight) return null;
    return problemResponse(
      {
        status: 401,
        code: "api_key_refused",
        title: "API key refused",
        detail: "Send the relay's API key as `Authorization: Bearer <key>`.",
      },
      { "www-authenticate": 'Bearer realm="tidings"' },
    );
  }
}
