import type { Dice } from "./dice.ts";
import type { Victim } from "./victim.ts";

/** Something that takes input from outside. */
export interface FuzzTarget {
  /** Its name, and that of its folder in the corpus. */
  readonly name: string;
  /** A new input of the form that the target expects, or close to it. */
  readonly invent: (dice: Dice) => Uint8Array;
  /**
   * Hands the input over, cut by `dice`, and rejects where what comes of it breaks a promise. The input may be anything:
   * one from the corpus, a changed one.
   */
  readonly feed: (input: Uint8Array, victim: Victim, dice: Dice) => Promise<void>;
  /** Rejects where what was counted does not fit what was fed. Asked now and then. */
  readonly settle?: (victim: Victim) => Promise<void>;
}
