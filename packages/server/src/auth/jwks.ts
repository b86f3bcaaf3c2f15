import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../clock.ts";
import { ASYMMETRIC_ALGORITHMS, KeysUnavailable, type TokenKeys } from "./token-keys.ts";

/** How long a fetched key set is used without asking again, in milliseconds. */
export const KEY_SET_MAX_AGE_MS = 600_000;

/**
 * How long after an attempt the next one may begin, in milliseconds: what an unknown `kid` can cost the
 * endpoint.
 */
export const KEY_SET_COOLDOWN_MS = 30_000;

/**
 * The same while there are no keys at all, so that a relay which starts before its issuer is let off sooner.
 */
export const KEY_SET_FIRST_COOLDOWN_MS = 5_000;

/** How long the endpoint may take for its whole answer, in milliseconds. */
export const KEY_SET_TIMEOUT_MS = 5_000;

/** The longest key set that is read, in bytes after decompression. */
export const MAX_KEY_SET_BYTES = 262_144;

/** The part of the platform's `fetch` that is needed. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What a {@link RemoteKeySet} needs. */
export interface RemoteKeySetOptions {
  /** `jwks_url`. Nothing of a token ever becomes part of it. */
  readonly url: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Called with one sentence for each fetch that failed, so at most once in a cooldown. */
  readonly onFault: (sentence: string) => void;
}

/**
 * The keys at `jwks_url`: fetched when the first token needs them, kept for ten minutes, fetched again for a
 * `kid` that is not among them. One fetch runs at a time and everyone waits for that one. The last good keys
 * stay in use for as long as the endpoint fails; nothing a client sends makes more than one fetch in a
 * cooldown.
 *
 * It is not jose's `createRemoteJWKSet` because that one drops its keys when they are old and the endpoint is
 * down, has no cooldown after a failure and no bound on the size of the answer.
 */
export class RemoteKeySet implements TokenKeys {
  readonly algorithms: readonly string[] = ASYMMETRIC_ALGORITHMS;
  readonly #options: RemoteKeySetOptions;
  #keys: JWTVerifyGetKey | null = null;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #attemptedAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  #pending: Promise<void> | null = null;

  constructor(options: RemoteKeySetOptions) {
    this.#options = options;
  }

  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.#options.clock.monotonic() - this.#fetchedAt >= KEY_SET_MAX_AGE_MS) await this.#refresh();
    try {
      return await this.#latest()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      try {
        return await this.#latest()(header, token);
      } catch (again) {
        // While the endpoint fails, a key that is not known may be a new one: that is not the token's fault.
        if (this.#failing && again instanceof errors.JWKSNoMatchingKey) throw unavailable();
        throw again;
      }
    }
  };

  #latest(): JWTVerifyGetKey {
    if (this.#keys === null) throw unavailable();
    return this.#keys;
  }

  /** Joins the running fetch, or begins one unless the last was a moment ago. Never rejects. */
  #refresh(): Promise<void> {
    if (this.#pending !== null) return this.#pending;
    const now = this.#options.clock.monotonic();
    const cooldown = this.#keys === null ? KEY_SET_FIRST_COOLDOWN_MS : KEY_SET_COOLDOWN_MS;
    if (now - this.#attemptedAt < cooldown) return Promise.resolve();
    this.#attemptedAt = now;
    this.#pending = this.#replaceKeys().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #replaceKeys(): Promise<void> {
    try {
      this.#keys = createLocalJWKSet(await fetchKeySet(this.#options));
      this.#fetchedAt = this.#options.clock.monotonic();
      this.#failing = false;
    } catch (error) {
      this.#failing = true;
      const kept = this.#keys === null ? "nobody can be let in" : "the last good keys stay in use";
      this.#options.onFault(`the key set at jwks_url ${faultOf(error)}; ${kept}`);
    }
  }
}

/** Why a key set was not taken, as the end of a sentence that begins with "the key set". */
class KeySetFault extends Error {
  override readonly name = "KeySetFault";
}

function unavailable(): KeysUnavailable {
  return new KeysUnavailable("the keys for tokens cannot be fetched at the moment");
}

function faultOf(error: unknown): string {
  if (error instanceof KeySetFault) return error.message;
  if (error instanceof errors.JWKSInvalid || error instanceof SyntaxError) return "is not a JSON Web Key Set";
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  return `could not be fetched (${code})`;
}

/** One attempt. The deadline holds even where `fetch` does not heed its signal. */
async function fetchKeySet(options: RemoteKeySetOptions): Promise<JSONWebKeySet> {
  const stop = new AbortController();
  const deadline = Promise.withResolvers<never>();
  const cancelTimer = options.clock.after(KEY_SET_TIMEOUT_MS, () => {
    deadline.reject(new KeySetFault(`did not arrive within ${KEY_SET_TIMEOUT_MS} ms`));
  });
  try {
    return await Promise.race([readKeySet(options, stop.signal), deadline.promise]);
  } finally {
    cancelTimer();
    stop.abort();
  }
}

/** A redirect counts as a failure: the operator chose whom to trust with the keys, not the endpoint. */
async function readKeySet(options: RemoteKeySetOptions, signal: AbortSignal): Promise<JSONWebKeySet> {
  const headers = { accept: "application/jwk-set+json, application/json" };
  const response = await options.fetch(options.url, { headers, redirect: "manual", signal });
  if (response.status >= 300 && response.status < 400) {
    throw new KeySetFault(`is elsewhere (status ${response.status}), and redirects are not followed`);
  }
  if (response.status !== 200) throw new KeySetFault(`was answered with status ${response.status}`);
  return JSON.parse(await readText(response)) as JSONWebKeySet;
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_KEY_SET_BYTES) throw new KeySetFault(`is larger than ${MAX_KEY_SET_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
