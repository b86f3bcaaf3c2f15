import { isFromOurPage } from "../../../server/same-origin.ts";
import { currentUser } from "../../../server/session.ts";
import { settings } from "../../../server/settings.ts";

const longestText = 280;

/** Tells everybody who is here something: one update to `*`, over the relay's HTTP interface. Operators only. */
export async function POST(request: Request): Promise<Response> {
  const user = await currentUser();
  if (user?.isOperator !== true || !isFromOurPage(request)) return new Response(null, { status: 403 });
  const { text } = (await request.json().catch(() => ({}))) as { text?: unknown };
  if (typeof text !== "string" || text.trim() === "" || text.length > longestText) {
    return new Response(null, { status: 400 });
  }
  const payload = { id: crypto.randomUUID(), text: text.trim(), from: user.name };
  const { ok } = await fetch(`${settings.relayInternalUrl()}/v1/publish`, {
    method: "POST",
    headers: { authorization: `Bearer ${settings.relayKey()}`, "content-type": "application/json" },
    body: JSON.stringify({ target_user_id: "*", type: "announcement", payload }),
  });
  return new Response(null, { status: ok ? 202 : 502 });
}
