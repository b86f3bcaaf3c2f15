import { userIdFault } from "@tidings/protocol";
import { andThen } from "../and-then.ts";
import type { Clock } from "../clock.ts";
import { authSettingsFault, type AuthSettings } from "./auth-settings.ts";
import { refused, type Authenticator, type AuthResult, type Objection } from "./authenticator.ts";
import { readCredential } from "./credential.ts";
import { RemoteKeySet, type Fetch } from "./jwks.ts";
import { publicKeys } from "./public-key.ts";
import { secretKeys, type TokenKeys } from "./token-keys.ts";
import type { ClaimOnce } from "./tickets.ts";
import { TokenVerifier } from "./token-verifier.ts";

/** What an authenticator is made of. */
export interface AuthenticatorOptions {
  readonly settings: AuthSettings;
  readonly clock: Clock;
  /** Used for `jwks_url` alone. */
  readonly fetch: Fetch;
  /** Remembers tickets that were used, for all relays. Without it no ticket is let in. */
  readonly claimOnce?: ClaimOnce;
  /** Why somebody whose credential holds is not let in: it was revoked, or that is not known. Nobody is, unless given. */
  readonly objection?: Objection;
  /**
   * Called with one sentence, without token or secret, for each fault that is not a client's: a key set that
   * cannot be fetched, a key that cannot be used. Must not throw.
   */
  readonly onFault?: (sentence: string) => void;
}

/**
 * Builds the authenticator that the settings ask for. A key file is read here, once; a key set is fetched
 * when the first token needs it.
 * @throws {TypeError} in one sentence that names the setting, when the settings contradict each other or the
 * key of `jwt_public_key` cannot be used.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const fault = authSettingsFault(options.settings);
  if (fault !== null) throw new TypeError(fault);
  const onFault = options.onFault ?? (() => {});
  const keys = tokenKeys(options, onFault);
  const verifier = keys === null ? null : new TokenVerifier({ ...options, keys, onFault });
  return new RequestAuthenticator(options, verifier);
}

function tokenKeys(options: AuthenticatorOptions, onFault: (sentence: string) => void): TokenKeys | null {
  const { settings, clock, fetch } = options;
  if (settings.jwt_secret !== undefined) return secretKeys(settings.jwt_secret);
  if (settings.jwt_public_key !== undefined) return publicKeys(settings.jwt_public_key);
  if (settings.jwks_url !== undefined)
    return new RemoteKeySet({ url: settings.jwks_url, clock, fetch, onFault });
  return null;
}

class RequestAuthenticator implements Authenticator {
  readonly #options: AuthenticatorOptions;
  readonly #verifier: TokenVerifier | null;

  constructor(options: AuthenticatorOptions, verifier: TokenVerifier | null) {
    this.#options = options;
    this.#verifier = verifier;
  }

  authenticate(request: Request): AuthResult | Promise<AuthResult> {
    const credential = readCredential(request, this.#options.settings);
    if (credential.kind === "token") return this.verify(credential.token);
    if (credential.kind === "user_id") return this.#believe(credential.userId);
    return refused(credential.kind === "broken" ? "malformed" : "missing", credential.reason);
  }

  verify(token: string): AuthResult | Promise<AuthResult> {
    if (this.#verifier !== null) return this.#verifier.verify(token);
    return refused("refused", "the relay has no key to verify a token with, only insecure_user_id");
  }

  #believe(userId: string): AuthResult | Promise<AuthResult> {
    const fault = userIdFault(userId);
    if (fault !== null) return refused("refused", `the user_id parameter ${fault}`);
    const identity = { userId, expiresAt: null };
    return andThen(this.#options.objection?.(identity) ?? null, (refusal) =>
      refusal === null ? { ok: true, identity } : { ok: false, refusal },
    );
  }
}
