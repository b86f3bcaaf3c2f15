import { problemResponse } from "./problem.ts";

/** The answer to a request whose method is none of these, or null. */
export function refuseMethod(request: Request, methods: readonly string[]): Response | null {
  if (methods.includes(request.method)) return null;
  const allow = methods.join(", ");
  return problemResponse(
    {
      status: 405,
      code: "method_not_allowed",
      title: "Method not allowed",
      detail: `This address takes ${allow}.`,
    },
    { allow },
  );
}
