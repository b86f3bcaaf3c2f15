import { answerCalls } from "../../../bench/load/child.ts";
import type { AttackerCalls } from "./attacker.ts";
import { Assault, type Wave } from "./assault.ts";
import { frameWaves } from "./frame-waves.ts";
import { handshakeWaves } from "./handshake-waves.ts";
import { updateWaves } from "./update-waves.ts";

const waves: Readonly<Record<string, Wave>> = { ...handshakeWaves, ...frameWaves, ...updateWaves };

// What an attacker does to its own sockets is no fault of the relay.
process.on("uncaughtException", () => {});

answerCalls({
  waves: () => Object.keys(waves),
  async attack({ wave, target, forMs }) {
    const run = waves[wave];
    if (run === undefined) throw new Error(`there is no wave ${wave}`);
    await using assault = new Assault(target, forMs);
    await run(assault);
    return assault.attempts;
  },
} satisfies AttackerCalls);
