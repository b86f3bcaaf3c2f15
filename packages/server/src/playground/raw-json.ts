/**
 * JSON text, shown as it arrived: `JSON.parse` would turn 1e400 into Infinity and round 12345678901234567890,
 * and the relay promises that neither happens.
 */

/**
 * The next token: a string, a mark of structure, or any other run of characters. White space is passed over.
 */
const token = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/gs;

/**
 * Sets JSON text out over indented lines without changing a single literal. Text that is not JSON stays
 * readable.
 */
export function formatJson(text: string): string {
  let out = "";
  let depth = 0;
  let previous = "";
  const newLine = (): string => `\n${"  ".repeat(Math.min(depth, 20))}`;
  for (const [part] of text.matchAll(token)) {
    const isClosing = part === "}" || part === "]";
    if (isClosing) depth = Math.max(0, depth - 1);
    const isEmpty = isClosing && (previous === "{" || previous === "[");
    if (isClosing ? !isEmpty : previous === "{" || previous === "[" || previous === ",") out += newLine();
    out += part === ":" ? ": " : part;
    if (part === "{" || part === "[") depth += 1;
    previous = part;
  }
  return out;
}

/**
 * The text of one member of a JSON object, as it stands there; null where the object has none of that name.
 */
export function memberText(text: string, name: string): string | null {
  let depth = 0;
  let key: string | null = null;
  let isKeyDue = false;
  let start = -1;
  for (const { 0: part, index } of text.matchAll(token)) {
    if (depth === 1 && start !== -1 && (part === "," || part === "}")) return text.slice(start, index).trim();
    if (part === "{" || part === "[") depth += 1;
    if (part === "}" || part === "]") depth -= 1;
    if (depth !== 1) continue;
    if (part === "{" || part === ",") isKeyDue = true;
    else if (isKeyDue) {
      key = part;
      isKeyDue = false;
    } else if (part === ":" && key === JSON.stringify(name)) start = index + 1;
  }
  return null;
}
