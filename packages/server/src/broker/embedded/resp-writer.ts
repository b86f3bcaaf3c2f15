/** Version of the Redis protocol that a connection speaks. */
export type Protocol = 2 | 3;

/** What is sent to a program on the loopback port. */
export type Reply =
  | { readonly type: "simple"; readonly text: string }
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "integer"; readonly value: number }
  | { readonly type: "bulk"; readonly value: string | Uint8Array }
  | { readonly type: "verbatim"; readonly text: string }
  | { readonly type: "null" }
  | { readonly type: "array"; readonly items: readonly Reply[] }
  | { readonly type: "set"; readonly items: readonly Reply[] }
  | { readonly type: "map"; readonly entries: readonly (readonly [Reply, Reply])[] }
  | { readonly type: "push"; readonly items: readonly Reply[] };

/** The reply that most commands give when there is nothing to say. */
export const OK: Reply = { type: "simple", text: "OK" };

/** Nothing, where a value could have been. */
export const NULL: Reply = { type: "null" };

/** An error that answers one command. Its text starts with a code: `ERR …`. */
export function errorReply(text: string): Reply {
  return { type: "error", text };
}

/** A string of bytes. */
export function bulk(value: string | Uint8Array): Reply {
  return { type: "bulk", value };
}

/** A whole number. */
export function integer(value: number): Reply {
  return { type: "integer", value };
}

/** A list of replies. */
export function array(items: readonly Reply[]): Reply {
  return { type: "array", items };
}

/**
 * The bytes of a reply. What protocol 2 does not have is written as what Redis writes there: a map as a flat
 * array, a set as an array.
 */
export function encodeReply(reply: Reply, protocol: Protocol): Uint8Array {
  const parts: Uint8Array[] = [];
  append(reply, protocol, parts);
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

function append(reply: Reply, protocol: Protocol, parts: Uint8Array[]): void {
  switch (reply.type) {
    case "simple":
      parts.push(encoder.encode(`+${oneLine(reply.text)}\r\n`));
      return;
    case "error":
      parts.push(encoder.encode(`-${oneLine(reply.text)}\r\n`));
      return;
    case "integer":
      parts.push(encoder.encode(`:${reply.value}\r\n`));
      return;
    case "bulk":
      appendString("$", typeof reply.value === "string" ? encoder.encode(reply.value) : reply.value, parts);
      return;
    case "verbatim":
      if (protocol === 3) appendString("=", encoder.encode(`txt:${reply.text}`), parts);
      else appendString("$", encoder.encode(reply.text), parts);
      return;
    case "null":
      parts.push(encoder.encode(protocol === 3 ? "_\r\n" : "$-1\r\n"));
      return;
    case "array":
      appendItems("*", reply.items, protocol, parts);
      return;
    case "set":
      appendItems(protocol === 3 ? "~" : "*", reply.items, protocol, parts);
      return;
    case "push":
      appendItems(protocol === 3 ? ">" : "*", reply.items, protocol, parts);
      return;
    case "map":
      parts.push(
        encoder.encode(protocol === 3 ? `%${reply.entries.length}\r\n` : `*${reply.entries.length * 2}\r\n`),
      );
      for (const item of reply.entries.flat()) append(item, protocol, parts);
  }
}

function appendString(kind: string, bytes: Uint8Array, parts: Uint8Array[]): void {
  parts.push(encoder.encode(`${kind}${bytes.length}\r\n`), bytes, CRLF);
}

function appendItems(kind: string, items: readonly Reply[], protocol: Protocol, parts: Uint8Array[]): void {
  parts.push(encoder.encode(`${kind}${items.length}\r\n`));
  for (const item of items) append(item, protocol, parts);
}

/** A line break inside a simple string would be read as its end. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, " ");
}
