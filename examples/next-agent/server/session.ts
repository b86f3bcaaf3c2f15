import { createHmac, timingSafeEqual } from "node:crypto";
import { cookies } from "next/headers";
import { settings } from "./settings.ts";
import { findUser, type User } from "./users.ts";

const cookieName = "session";
const lifetimeMs = 12 * 60 * 60 * 1_000;

/** Who is signed in, by the request's cookie; null where nobody is. */
export async function currentUser(): Promise<User | null> {
  return userOf((await cookies()).get(cookieName)?.value);
}

/** As {@link currentUser}, of a plain request. */
export function userOfRequest(request: Request): User | null {
  const header = request.headers.get("cookie") ?? "";
  return userOf(new RegExp(`(?:^|; )${cookieName}=([^;]+)`).exec(header)?.[1]);
}

/** Begins a session: in a server action only. */
export async function beginSession(user: User): Promise<void> {
  const expires = Date.now() + lifetimeMs;
  const session = Buffer.from(JSON.stringify({ user: user.id, expires })).toString("base64url");
  (await cookies()).set(cookieName, `${session}.${signatureOf(session)}`, {
    httpOnly: true,
    sameSite: "lax",
    secure: process.env["SECURE_COOKIES"] === "true",
    path: "/",
    expires,
  });
}

/** Ends it: in a server action only. */
export async function endSession(): Promise<void> {
  (await cookies()).delete(cookieName);
}

function userOf(cookie: string | undefined): User | null {
  const [session = "", signature = ""] = (cookie ?? "").split(".");
  const expected = Buffer.from(signatureOf(session));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const { user, expires }: { user: string; expires: number } = JSON.parse(
    Buffer.from(session, "base64url").toString(),
  );
  return expires > Date.now() ? findUser(user) : null;
}

function signatureOf(session: string): string {
  return createHmac("sha256", settings.sessionSecret()).update(session).digest("base64url");
}
