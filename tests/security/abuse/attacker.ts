import { join } from "node:path";
import { Child } from "../../../bench/load/child.ts";

/** Whom an attacker attacks. */
export interface Target {
  readonly port: number;
  readonly redisPort: number;
  /** The secret of user tokens: the worst attacker is one who may come in. */
  readonly secret: string;
}

/** What an attacking process answers. */
export type AttackerCalls = {
  /** The names of all waves, in their order. */
  readonly waves: (input: null) => readonly string[];
  /** Attacks for `forMs`, lets go of all it holds, and tells how many attempts that were. */
  readonly attack: (input: { wave: string; target: Target; forMs: number }) => Promise<number>;
};

/** A process that attacks a relay, so that it takes no time from those who measure. */
export class Attacker extends Child<AttackerCalls> {
  constructor() {
    super(join(import.meta.dir, "attacker-process.ts"), null);
  }
}
