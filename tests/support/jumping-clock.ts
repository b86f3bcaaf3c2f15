import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Debian's `faketime` puts the library, by architecture. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(
  (name) => `/usr/lib/${name}/faketime/libfaketime.so.1`,
);

/** The library that moves a program's clock; null where it is not installed. */
export const fakeTimeLibrary: string | null = LIBRARIES.find((path) => existsSync(path)) ?? null;

/** A wall clock of a process that can be set while it runs; its monotonic clock goes on, as when a machine's is set. */
export interface JumpingClock extends AsyncDisposable {
  /** Variables with which a process has this clock. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sets it to so many seconds ahead of the machine's; behind where it is negative. */
  jump(seconds: number): Promise<void>;
}

/** Makes a clock that is right until it jumps. */
export async function makeJumpingClock(): Promise<JumpingClock> {
  if (fakeTimeLibrary === null) throw new Error("faketime is missing; on Debian: apt-get install faketime");
  const directory = await mkdtemp(join(tmpdir(), "tidings-clock-"));
  const path = join(directory, "offset");
  const jump = (seconds: number): Promise<void> => writeFile(path, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  await jump(0);
  return {
    environment: {
      LD_PRELOAD: fakeTimeLibrary,
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    jump,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
