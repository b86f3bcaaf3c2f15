import { readConversation } from "../../../server/agent.ts";
import { currentUser } from "../../../server/session.ts";

/** What is stored, for a page that has missed something for good. */
export async function GET(): Promise<Response> {
  const user = await currentUser();
  if (user === null) return Response.json({ message: "Nobody is signed in." }, { status: 401 });
  return Response.json(await readConversation(user.id), { headers: { "cache-control": "no-store" } });
}
