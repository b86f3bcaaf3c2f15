/**
 * The addresses of a relay, from whatever names it: its origin, the path it is mounted at, or its `/ws`. A query is kept.
 */
export function addressOf(url: URL, stream: boolean, since: string | null): string {
  const address = new URL(url);
  address.protocol = address.protocol.replace(stream ? /^ws/ : /^http/, stream ? "http" : "ws");
  address.pathname = address.pathname.replace(/\/(ws)?$/, "") + (stream ? "/v1/stream" : "/ws");
  address.hash = "";
  if (since) address.searchParams.set("since", since);
  return address.href;
}
