/**
 * The addresses of a relay, from whatever names it: its origin, the path it is mounted at, or its `/ws`. A query is kept.
 * @throws {TypeError} where `url` is no address, or relative outside a page.
 */
export function addressOf(
  url: string | URL,
  base: string | undefined,
  stream: boolean,
  since: string | null,
): string {
  const address = new URL(url, base);
  address.protocol = address.protocol.replace(stream ? /^ws/ : /^http/, stream ? "http" : "ws");
  address.pathname = address.pathname.replace(/\/(ws)?$/, "") + (stream ? "/v1/stream" : "/ws");
  address.hash = "";
  if (since) address.searchParams.set("since", since);
  return address.href;
}
