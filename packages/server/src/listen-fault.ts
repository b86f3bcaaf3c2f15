/** Why an address cannot be listened on, as the end of a sentence: what is in the way, or what the system said. */
export function listenFault(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? error.code : null;
  if (code === "EADDRINUSE") return "the port is in use; stop what listens there, or set another one";
  if (code === "EACCES") return "this user may not listen on that port";
  return error.message;
}
