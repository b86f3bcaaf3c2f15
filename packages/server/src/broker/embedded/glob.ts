/** Tells whether one name, byte for byte, fits a pattern. */
export type Glob = (name: Uint8Array) => boolean;

type Token = { readonly star: true } | { readonly star: false; readonly matches: (byte: number) => boolean };

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

/**
 * Compiles a Redis glob: `*` any bytes, `?` one byte, `[abc]` `[a-z]` `[^a]` one of a set, `\` takes the next
 * byte as it is. Odd patterns mean what they mean to Redis: an unclosed set ends with the pattern, a range
 * may be backwards, and the empty name fits the empty pattern alone, not even `*`. Matching takes at most
 * pattern length times name length steps, whatever the pattern: there is no recursion to blow up.
 */
export function compileGlob(pattern: Uint8Array): Glob {
  const tokens = tokenize(pattern);
  return (name) => (name.length === 0 ? pattern.length === 0 : matches(tokens, name));
}

/**
 * Only the latest star has to be able to give way: whatever an earlier one could give, the latest can take.
 */
function matches(tokens: readonly Token[], name: Uint8Array): boolean {
  let token = 0;
  let at = 0;
  let starToken = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current?.star === true) {
      starToken = token;
      starAt = at;
      token += 1;
    } else if (current?.star === false && current.matches(name[at] ?? 0)) {
      token += 1;
      at += 1;
    } else if (starToken >= 0) {
      starAt += 1;
      at = starAt;
      token = starToken + 1;
    } else {
      return false;
    }
  }
  while (tokens[token]?.star === true) token += 1;
  return token === tokens.length;
}

function tokenize(pattern: Uint8Array): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < pattern.length) {
    const byte = pattern[at] ?? 0;
    if (byte === STAR) {
      if (tokens.at(-1)?.star !== true) tokens.push({ star: true });
      at += 1;
    } else if (byte === QUESTION) {
      tokens.push({ star: false, matches: () => true });
      at += 1;
    } else if (byte === OPEN) {
      const set = readSet(pattern, at + 1);
      tokens.push({ star: false, matches: set.matches });
      at = set.end;
    } else {
      const escaped = byte === BACKSLASH && at + 1 < pattern.length;
      const literal = escaped ? (pattern[at + 1] ?? 0) : byte;
      tokens.push({ star: false, matches: (candidate) => candidate === literal });
      at += escaped ? 2 : 1;
    }
  }
  return tokens;
}

function readSet(pattern: Uint8Array, start: number): { matches: (byte: number) => boolean; end: number } {
  const members = new Uint8Array(256);
  const negated = pattern[start] === CARET;
  let at = negated ? start + 1 : start;
  while (at < pattern.length && pattern[at] !== CLOSE) {
    const byte = pattern[at] ?? 0;
    if (byte === BACKSLASH && at + 1 < pattern.length) {
      members[pattern[at + 1] ?? 0] = 1;
      at += 2;
    } else if (pattern[at + 1] === DASH && at + 2 < pattern.length) {
      const other = pattern[at + 2] ?? 0;
      members.fill(1, Math.min(byte, other), Math.max(byte, other) + 1);
      at += 3;
    } else {
      members[byte] = 1;
      at += 1;
    }
  }
  const wanted = negated ? 0 : 1;
  return { matches: (byte) => members[byte] === wanted, end: Math.min(at + 1, pattern.length) };
}
