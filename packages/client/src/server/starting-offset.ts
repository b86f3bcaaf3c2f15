import { TidingsError } from "../index.ts";

/** Where to ask, and for whom. */
export interface StartingOffsetOptions {
  /** The relay's address as the server reaches it: that of its internal port, where it has one. */
  readonly relay: string | URL;
  /** The relay's `TIDINGS_API_KEY`. */
  readonly apiKey: string | undefined;
  /** The user's id. */
  readonly user: string;
  /** How long the relay may take, in milliseconds: 2,000 unless given. */
  readonly timeout?: number;
}

/** How long the relay may take unless said otherwise, in milliseconds. */
const PATIENCE_MS = 2_000;

/**
 * Where a user's updates stand now, for a page to go on from (`since`). Ask before the page's state is loaded: what comes
 * between is then told once more, instead of never. Null where the relay keeps no history.
 * @throws {@link TidingsError} (as a rejection) `unavailable` where the relay does not answer or cannot tell, `refused` where
 * it refuses the question.
 */
export async function startingOffset(options: StartingOffsetOptions): Promise<string | null> {
  const { relay, apiKey, user, timeout = PATIENCE_MS } = options;
  const url = new URL(relay);
  url.pathname = `${url.pathname.replace(/\/(ws)?$/, "")}/v1/users/${encodeURIComponent(user)}/offset`;
  const response = await ask(url, apiKey ?? "", timeout);
  if (!response.ok) {
    const isRefused = response.status >= 400 && response.status < 500;
    throw new TidingsError(
      isRefused ? "refused" : "unavailable",
      `the relay answered ${await words(response)}`,
    );
  }
  const { offset } = (await response.json()) as { readonly offset?: string | null };
  return offset ?? null;
}

async function ask(url: URL, apiKey: string, timeout: number): Promise<Response> {
  try {
    return await fetch(url, {
      headers: { authorization: `Bearer ${apiKey}` },
      // Next keeps answers otherwise.
      cache: "no-store",
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    throw new TidingsError("unavailable", `the relay cannot be asked (${String(error)})`);
  }
}

/** The status, and what the relay says about it. */
async function words(response: Response): Promise<string> {
  const { detail = "" } = (await response.json().catch(() => ({}))) as { readonly detail?: string };
  return `${response.status}: ${detail}`;
}
