/** From where a request asks to resume, by its query; null where it does not. */
export function sinceOf(url: string): string | null {
  return url.includes("since=") ? (URL.parse(url)?.searchParams.get("since") ?? null) : null;
}
