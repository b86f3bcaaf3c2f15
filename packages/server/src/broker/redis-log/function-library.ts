import { MAX_LOG_FIELD_BYTES, updateFaults } from "@tidings/protocol";
import { ErrorReply } from "@redis/client";
import { IDEMPOTENCY_MS, type LogBounds } from "../update-log.ts";
import functions from "./functions.lua" with { type: "text" };
import log from "./log.lua" with { type: "text" };
import update from "./update.lua" with { type: "text" };

/** Grows by one with every change of the Lua; what is stored and answered must then suit older relays as well. */
const LIBRARY_VERSION = 1;

/** What the loader needs of a connection to Redis. Both reject with the client's `ErrorReply` where Redis refuses. */
export interface FunctionHost {
  /** Calls a function, and returns its reply; strings in it are bytes. */
  callFunction(name: string, keys: readonly string[], args: readonly FunctionArgument[]): Promise<unknown>;
  /** Loads a library in the place of one with its name. */
  loadFunctions(source: string): Promise<void>;
}

/** One argument of a function. */
export type FunctionArgument = string | Uint8Array;

/** Why Redis cannot hold the log: one sentence for the operator, which says what to do. */
export class LibraryUnusable extends Error {
  override readonly name = "LibraryUnusable";
}

/**
 * The source of the function library `tidings`, for `FUNCTION LOAD REPLACE`: the log's rules in Lua, with the bounds
 * written in, so that workers need not know them.
 */
export function librarySource(bounds: LogBounds): string {
  const body = [constants(bounds), update, log, functions].join("\n");
  return [
    "#!lua name=tidings",
    "-- The log of updates. A relay with TIDINGS_HISTORY loads it; `tidings library` prints it.",
    `local VERSION = '${LIBRARY_VERSION} ${new Bun.CryptoHasher("sha1").update(body).digest("hex")} ${writtenBounds(bounds)}'`,
    body,
  ].join("\n");
}

/** The settings that are written into the library, in the order in which its version has them. */
const boundSettings = [
  ["TIDINGS_HISTORY_SIZE", (bounds: LogBounds) => bounds.updates],
  ["TIDINGS_HISTORY_BYTES", (bounds: LogBounds) => bounds.bytes],
  ["TIDINGS_HISTORY_TTL", (bounds: LogBounds) => bounds.ttlMs],
  ["TIDINGS_MAX_UPDATE_BYTES", (bounds: LogBounds) => bounds.maxUpdateBytes],
] as const;

function writtenBounds(bounds: LogBounds): string {
  return boundSettings.map(([, read]) => String(read(bounds))).join(" ");
}

/**
 * How these bounds differ from those of a library of the same version, as `NAME there → here` with commas between them, in
 * bytes and milliseconds; null where they do not, or the versions differ. `version` is what `tidings_version` answers.
 */
export function boundChanges(version: string, bounds: LogBounds): string | null {
  const [number, , ...there] = version.split(" ");
  if (number !== String(LIBRARY_VERSION) || there.length !== boundSettings.length) return null;
  const changes = boundSettings.flatMap(([name, read], index) => {
    const here = String(read(bounds));
    return there[index] === here ? [] : [`${name} ${there[index]} → ${here}`];
  });
  return changes.length === 0 ? null : changes.join(", ");
}

/**
 * Makes Redis have the library with these bounds. One of a newer version stays. Returns how its bounds changed
 * ({@link boundChanges}), null where they did not.
 *
 * Functions run with the rights of who calls them. A worker needs the keys `tidings:*`, the channel `tidings:log`, and
 * `FCALL TIME INFO XADD XREVRANGE XRANGE XTRIM PEXPIRE DEL HSET HMGET GET SET PUBLISH`; a relay `PTTL` as well, and
 * `FUNCTION|LOAD` unless an operator loads the library by hand.
 *
 * @throws {LibraryUnusable} where Redis is too old for it or refuses it; what else the host rejects with, as it is.
 */
export async function ensureLibrary(host: FunctionHost, bounds: LogBounds): Promise<string | null> {
  const source = librarySource(bounds);
  const installed = await installedVersion(host);
  if (installed !== null) {
    if (source.includes(`\nlocal VERSION = '${installed}'\n`)) return null;
    if (Number.parseInt(installed, 10) > LIBRARY_VERSION) return null;
  }
  try {
    await host.loadFunctions(source);
  } catch (error) {
    throw loadFault(error, installed !== null);
  }
  await installedVersion(host);
  return installed === null ? null : boundChanges(installed, bounds);
}

/** The installed library's version and digest, or null where there is none. */
async function installedVersion(host: FunctionHost): Promise<string | null> {
  try {
    return String(await host.callFunction("tidings_version", [], []));
  } catch (error) {
    if (isFunctionMissing(error)) return null;
    throw callFault(error);
  }
}

/** Whether Redis said that it does not have a function that was called. */
export function isFunctionMissing(error: unknown): boolean {
  return error instanceof ErrorReply && error.message.startsWith("ERR Function not found");
}

function callFault(error: unknown): unknown {
  if (!(error instanceof ErrorReply)) return error;
  const { message } = error;
  if (message.startsWith("ERR unknown command")) {
    return new LibraryUnusable(
      "history needs Redis 7 or Valkey 7.2, and this server is older or forbids FCALL: upgrade it, or turn history off",
    );
  }
  const [, right] = /^NOPERM tidings: (.+)$/.exec(message) ?? [];
  if (right !== undefined) return new LibraryUnusable(`${NO_RIGHT}: ${right} (NOPERM)`);
  if (message.startsWith("NOPERM")) return new LibraryUnusable(`${NO_RIGHT}: FCALL (NOPERM)`);
  return error;
}

const NO_RIGHT = "history needs a permission that the Redis user lacks";

function loadFault(error: unknown, isInstalled: boolean): unknown {
  if (!(error instanceof ErrorReply)) return error;
  if (error.message.startsWith("NOPERM")) {
    const lack = isInstalled
      ? "the function library in Redis is older or has other history settings"
      : "the function library is not in Redis";
    return new LibraryUnusable(
      `${lack}, and the Redis user may not load it: grant +function|load, or load what "tidings library" prints`,
    );
  }
  const [, taken] = /^ERR Function (\w+) already exists/.exec(error.message) ?? [];
  if (taken !== undefined) {
    return new LibraryUnusable(
      `another function library in Redis has a function ${taken}: delete or rename it`,
    );
  }
  return error;
}

function constants(bounds: LogBounds): string {
  const numbers = {
    UPDATES: bounds.updates,
    BYTES: bounds.bytes,
    TTL_MS: bounds.ttlMs,
    MAX_UPDATE_BYTES: bounds.maxUpdateBytes,
    MAX_FIELD_BYTES: MAX_LOG_FIELD_BYTES,
    WINDOW_MS: IDEMPOTENCY_MS,
  };
  const lines = Object.entries(numbers).map(([name, value]) => `local ${name} = ${value}`);
  // A string of JSON in plain ASCII is one of Lua.
  const faults = Object.entries(updateFaults).map(([fault, text]) => `  ${fault} = ${JSON.stringify(text)},`);
  return [...lines, "local FAULTS = {", ...faults, "}"].join("\n");
}
