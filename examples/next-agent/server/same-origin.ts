/** Whether a request that changes something comes from a page of ours, as every browser of the last years tells. */
export function isFromOurPage(request: Request): boolean {
  return request.headers.get("sec-fetch-site") === "same-origin";
}
