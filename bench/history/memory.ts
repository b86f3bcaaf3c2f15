import { Bed } from "../bed.ts";
import type { Measured } from "../measured.ts";
import type { TakeDown } from "../take-down.ts";
import { CONNECTIONS } from "./workloads.ts";

/** What is open on a relay whose memory is measured. */
export interface MemoryCase {
  readonly name: string;
  readonly speaksTidings: boolean;
}

/** The two kinds of clients. */
export const memoryCases: readonly MemoryCase[] = [
  { name: "a plain connection", speaksTidings: false },
  { name: "a Tidings connection", speaksTidings: true },
];

/** Bytes of resident memory that each idle connection holds on a fresh relay, once all garbage is collected. */
export async function idleMemory(
  takeDown: TakeDown,
  { speaksTidings }: MemoryCase,
  hasHistory: boolean,
): Promise<Measured> {
  const settings = { TIDINGS_HISTORY: String(hasHistory) };
  await using bed = await takeDown.use(Bed.start("relay", settings));
  const filled = await bed.fill(CONNECTIONS, speaksTidings);
  return filled.ok ? await bed.heldMemory(CONNECTIONS) : filled;
}
