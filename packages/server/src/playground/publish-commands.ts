/** One way to publish an update from a terminal. */
export interface PublishCommand {
  readonly title: string;
  readonly hint: string;
  /** A line for a POSIX shell. */
  readonly command: string;
}

const type = "agent_update";
const payload = JSON.stringify({ text: "Hello from my terminal" });

/** The lines that send `user` an update; `embeddedPort` is null where the relay uses a Redis of its own. */
export function publishCommands(
  user: string,
  channel: string,
  embeddedPort: number | null,
): readonly PublishCommand[] {
  const update = `{"target_user_id":${JSON.stringify(user)},"type":"${type}","payload":${payload}}`;
  // Joined by "=", since a user may be called "--help".
  const parts = `--user=${quoted(user)} --type=${type} --payload=${quoted(payload)}`;
  const server = embeddedPort === null ? '-u "$TIDINGS_REDIS_URL"' : `-p ${embeddedPort}`;
  const where = embeddedPort === null ? "" : `--redis-url=redis://127.0.0.1:${embeddedPort} `;
  return [
    {
      title: "redis-cli",
      hint: embeddedPort === null ? "your Redis" : "embedded broker",
      command: `redis-cli ${server} publish ${quoted(channel)} ${quoted(update)}`,
    },
    {
      title: "tidings",
      hint: "in the checkout",
      command: `npm run -s tidings -- publish ${where}${parts}`,
    },
  ];
}

/** Text as one word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w.:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
