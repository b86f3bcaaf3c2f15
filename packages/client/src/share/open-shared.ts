import type { Line, LineEvents, LineOptions } from "../line.ts";
import type { Platform } from "../platform.ts";
import { subjectOf, type TokenSource, tokenOf } from "../token.ts";
import { SharedLine } from "./shared-line.ts";

/** How long the token may take that tells with whom to share, in milliseconds. */
const PATIENCE_MS = 10_000;

/** How long a token that was made to learn the user is good for a connection too: it may be short or for one use. */
const FRESH_MS = 5_000;

/** Opens a connection of this tab's own. */
export type OpenOwn = (events: LineEvents, token: TokenSource) => Line;

/**
 * Joins the other tabs of this browser that are connected to the same relay as the same user, or opens a connection of
 * this tab's own where it cannot be told who the user is: one user's updates must never reach another's tab.
 */
export async function openShared(
  platform: Platform,
  { url, token, share }: LineOptions & { readonly share?: boolean | string | undefined },
  events: LineEvents,
  openOwn: OpenOwn,
  attach: (line: Line) => void,
): Promise<void> {
  let made: string | null | undefined = null;
  if (typeof share !== "string") made = await inTime(platform, tokenOf(token));
  const user = typeof share === "string" ? share : subjectOf(made);
  const until = platform.now() + FRESH_MS;
  const source: TokenSource = () => {
    const fresh = platform.now() < until ? made : null;
    made = null;
    return fresh ?? tokenOf(token);
  };
  const { sharing } = platform;
  if (!sharing || user === null) attach(openOwn(events, source));
  else attach(new SharedLine(platform, sharing, { url, user, token: source }, events, openOwn));
}

/** The token, or null where it does not come in time or at all. */
function inTime(
  platform: Platform,
  token: Promise<string | null | undefined>,
): Promise<string | null | undefined> {
  return new Promise((resolve) => {
    const cancel = platform.after(PATIENCE_MS, () => resolve(null));
    void token
      .catch(() => null)
      .then((value) => {
        cancel();
        resolve(value);
      });
  });
}
