/** How far the clock of whoever made a token may be from the relay's, in milliseconds. */
export const TOKEN_LEEWAY_MS = 30_000;
