import { describe } from "bun:test";
import { describeAppend } from "./log-contract/append.ts";
import { describeBounds } from "./log-contract/bounds.ts";
import { describeIds } from "./log-contract/ids.ts";
import { describeLease } from "./log-contract/lease.ts";
import { describeModel } from "./log-contract/model.ts";
import { describePositions } from "./log-contract/positions.ts";
import { describeRead } from "./log-contract/read.ts";
import { describeSeq } from "./log-contract/seq.ts";
import type { MakeLog } from "./log-contract/under-test.ts";

/** Runs the promises of `UpdateLog` as tests against the logs that `make` makes. */
export function describeLogContract(name: string, make: MakeLog): void {
  describe(`${name} keeps the contract of a log`, () => {
    describeAppend(make);
    describePositions(make);
    describeRead(make);
    describeBounds(make);
    describeIds(make);
    describeSeq(make);
    describeLease(make);
    describeModel(make);
  });
}
