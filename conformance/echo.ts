import { parseArgs } from "node:util";
import { startEcho } from "./echo-server.ts";

// `npm run conformance:echo -- --port 9001`: something that any WebSocket conformance suite can be pointed at.

const { values } = parseArgs({ options: { port: { type: "string", default: "9001" } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error("--port must be a number from 0 to 65535");
  process.exit(2);
}
try {
  console.log(`echo on ws://127.0.0.1:${startEcho(port).port}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
