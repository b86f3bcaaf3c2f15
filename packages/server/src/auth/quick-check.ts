import type { JWTPayload } from "jose";
import { quickClaims, type WantedClaims } from "./quick-claims.ts";
import type { CheckSignature, TokenKeys } from "./token-keys.ts";

/**
 * Lets in tokens whose signature can be checked at once, which costs a fraction of handing the check to another thread.
 * It can only let in: whatever it does not understand or does not find right is judged by jose, and refused by jose alone.
 * What it lets in is strictly written: its header and its signature in the one way that their bytes have.
 */
export class QuickCheck {
  readonly #check: CheckSignature;
  readonly #algorithms: readonly string[];
  readonly #wanted: WantedClaims;
  /** The latest header that was understood, and its algorithm: an issuer's tokens have one header. */
  #header = "";
  #algorithm = "";

  constructor(check: CheckSignature, { algorithms }: Pick<TokenKeys, "algorithms">, wanted: WantedClaims) {
    this.#check = check;
    this.#algorithms = algorithms;
    this.#wanted = wanted;
  }

  /** The claims of a token that holds at `now` (milliseconds since 1970), or null where jose is to judge it. Never throws. */
  claims(token: string, now: number): JWTPayload | null {
    const first = token.indexOf(".");
    const last = token.lastIndexOf(".");
    if (first === last || token.indexOf(".", first + 1) !== last) return null;
    const algorithm = this.#algorithmOf(token.slice(0, first));
    if (algorithm === null) return null;
    try {
      if (!this.#check(algorithm, token.slice(0, last), token.slice(last + 1))) return null;
    } catch {
      return null;
    }
    return quickClaims(token.slice(first + 1, last), this.#wanted, now);
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
