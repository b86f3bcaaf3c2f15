import { join } from "node:path";
import type { Guest } from "../generator/generator.ts";
import type { Audience } from "../generator/template.ts";

/** How a system speaks on its sockets, beyond RFC 6455. */
export interface Dialect {
  /** The text after which a client says its hello; at once unless given. */
  readonly helloAfter?: string;
  /** How the text begins with which a connection counts as open; it is open with the upgrade unless given. */
  readonly ready?: string;
  /** A ping in a text of its own, and what the client answers. */
  readonly ping?: string;
  readonly pong?: string;
  /** Whether a line feed separates several texts in one frame. */
  readonly hasLines?: boolean;
}

/** One of the programs that are compared. */
export interface System {
  readonly key: string;
  readonly name: string;
  /** The folder with its `install.sh` and `start.sh`. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly dialect: Dialect;
  /** How its clients come. */
  readonly guest: (user: string, token: string) => Guest;
  /** The text that a client gets of an update with this payload. */
  readonly received: (audience: Audience, payload: string) => string;
  /** The command by which a worker publishes that update. */
  readonly published: (audience: Audience, payload: string) => Uint8Array | Promise<Uint8Array>;
  /** The text in which a client sends a message with this payload; null where it takes none. */
  readonly sent: ((payload: string) => string) | null;
  /** Whether it replays what a client missed to one that asks by `?since=`. */
  readonly hasHistory?: boolean;
}

/** The folder of a system. */
export function folderOf(system: System): string {
  return join(import.meta.dir, system.folder);
}

/** An upgrade as every browser sends it; the key is one for all, since nobody checks the answer to it. */
export function upgradeRequest(path: string, token: string | null): string {
  const credential = token === null ? "" : `Authorization: Bearer ${token}\r\n`;
  return (
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${credential}\r\n`
  );
}
