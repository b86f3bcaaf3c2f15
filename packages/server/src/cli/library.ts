import { librarySource } from "../broker/redis-log/function-library.ts";
import { logBounds } from "../history/log-bounds.ts";
import { type Command, command } from "./command.ts";

/** `tidings library`: the function library of history, for a Redis into which the relay may not load it. */
export const libraryCommand: Command = command({
  name: "library",
  summary: "Print the function library that history needs in Redis, with the bounds of these settings.",
  usage: "[flags]",
  examples: [
    "tidings library | redis-cli -x FUNCTION LOAD REPLACE",
    "tidings library --config tidings.yaml > tidings.lua",
  ],
  args: {},
  settings: ["history_size", "history_bytes", "history_ttl", "max_update_bytes"],
  async run({ settings: read, terminal }) {
    terminal.out(librarySource(logBounds(read().settings)));
    return 0;
  },
});
