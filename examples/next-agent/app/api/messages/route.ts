import { tellAgent } from "../../../server/agent.ts";
import { isFromOurPage } from "../../../server/same-origin.ts";
import { currentUser } from "../../../server/session.ts";

/** Takes what a page cannot send to the relay where the network allows no WebSocket: questions and the stop button. */
export async function POST(request: Request): Promise<Response> {
  const user = await currentUser();
  if (user === null || !isFromOurPage(request)) return new Response(null, { status: 403 });
  const message: unknown = await request.json().catch(() => null);
  if (typeof message !== "object" || message === null || !("type" in message) || !("payload" in message)) {
    return new Response(null, { status: 400 });
  }
  return new Response(null, { status: (await tellAgent(user.id, message)) ? 202 : 400 });
}
