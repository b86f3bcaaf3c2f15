import { type NextRequest, NextResponse } from "next/server";
import { settings } from "./server/settings.ts";

/** Gives every page a policy: scripts of this page alone, and connections to this application and its relay alone. */
export function proxy(request: NextRequest): NextResponse {
  const nonce = btoa(crypto.randomUUID());
  const relay = new URL(settings.relayUrl(request.headers.get("host") ?? "localhost")).origin;
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}'${process.env.NODE_ENV === "development" ? " 'unsafe-eval'" : ""}`,
    "style-src 'self' 'unsafe-inline'",
    `connect-src 'self' ${relay} ${relay.replace(/^http/, "ws")}`,
    "img-src 'self' data:",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join("; ");
  const headers = new Headers(request.headers);
  // Next.js finds the nonce here and puts it on its own scripts.
  headers.set("content-security-policy", policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  response.headers.set("referrer-policy", "same-origin");
  return response;
}

export const config = { matcher: ["/((?!api/|_next/static|icon.svg).*)"] };
