import { type JWTClaimVerificationOptions, type JWTPayload, UnsecuredJWT } from "jose";
import type { CheckSignature, TokenKeys } from "./token-keys.ts";

/** What the claims get for a header once their signature holds: jose checks claims by themselves in this form alone. */
const UNSIGNED_HEADER = Buffer.from('{"alg":"none"}').toString("base64url");

/**
 * Lets in tokens whose signature can be checked at once, which costs a fraction of handing the check to another thread.
 * It can only let in: whatever it does not understand or does not find right is judged by jose, and refused by jose alone.
 * Claims are checked by jose either way.
 */
export class QuickCheck {
  readonly #check: CheckSignature;
  readonly #algorithms: readonly string[];
  /** The latest header that was understood, and its algorithm: an issuer's tokens have one header. */
  #header = "";
  #algorithm = "";

  constructor(check: CheckSignature, { algorithms }: Pick<TokenKeys, "algorithms">) {
    this.#check = check;
    this.#algorithms = algorithms;
  }

  /** The claims of a token that holds, or null where jose is to judge it. Never throws. */
  claims(token: string, options: JWTClaimVerificationOptions): JWTPayload | null {
    const first = token.indexOf(".");
    const last = token.lastIndexOf(".");
    if (first === last || token.indexOf(".", first + 1) !== last) return null;
    const algorithm = this.#algorithmOf(token.slice(0, first));
    if (algorithm === null) return null;
    try {
      if (!this.#check(algorithm, token.slice(0, last), token.slice(last + 1))) return null;
      return UnsecuredJWT.decode(`${UNSIGNED_HEADER}${token.slice(first, last)}.`, options).payload;
    } catch {
      return null;
    }
  }

  #algorithmOf(header: string): string | null {
    if (header === this.#header) return this.#algorithm;
    const algorithm = plainAlgorithm(header);
    if (algorithm === null || !this.#algorithms.includes(algorithm)) return null;
    this.#header = header;
    this.#algorithm = algorithm;
    return algorithm;
  }
}

/** The `alg` of a header that asks for nothing else that changes what the signature covers; null for any other. */
function plainAlgorithm(encoded: string): string | null {
  const bytes = Buffer.from(encoded, "base64url");
  if (encoded === "" || bytes.toString("base64url") !== encoded) return null;
  try {
    const header: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof header !== "object" || header === null || "crit" in header || "b64" in header) return null;
    return "alg" in header && typeof header.alg === "string" ? header.alg : null;
  } catch {
    return null;
  }
}
