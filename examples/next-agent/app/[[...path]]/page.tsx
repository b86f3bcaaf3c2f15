import { headers } from "next/headers";
import { notFound, redirect } from "next/navigation";
import type { ReactNode } from "react";
import { readConversation } from "../../server/agent.ts";
import { placeOf } from "../../server/place.ts";
import { currentUser } from "../../server/session.ts";
import { settings } from "../../server/settings.ts";
import { Desk } from "../../ui/desk.tsx";
import { signOut } from "../sign-in/actions.ts";

/** All of the application but signing in: `/` begins a conversation, `/c/<thread>` shows one. */
export default async function Page({
  params,
}: {
  readonly params: Promise<{ readonly path?: readonly string[] }>;
}): Promise<ReactNode> {
  const { path = [] } = await params;
  if (path.length > 0 && (path.length !== 2 || path[0] !== "c")) notFound();
  const user = await currentUser();
  if (user === null) redirect("/sign-in");
  const host = (await headers()).get("host") ?? "localhost";
  const place = await placeOf(user.id);
  return (
    <Desk
      user={user}
      relayUrl={settings.relayUrl(host)}
      place={place}
      conversation={await readConversation(user.id)}
      signOut={signOut}
    />
  );
}
