"use server";

import { redirect } from "next/navigation";
import { beginSession, endSession } from "../../server/session.ts";
import { findUser } from "../../server/users.ts";

/** Begins a session as the account that was chosen. */
export async function signIn(form: FormData): Promise<void> {
  const id = form.get("user");
  const user = typeof id === "string" ? findUser(id) : null;
  if (user === null) redirect("/sign-in");
  await beginSession(user);
  redirect("/");
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await endSession();
  redirect("/sign-in");
}
