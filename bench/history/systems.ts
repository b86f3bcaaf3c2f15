/** What is measured: the relay without history, and three ways in which it works with it. */
export interface HistorySystem {
  readonly key: SystemKey;
  readonly name: string;
  readonly hasHistory: boolean;
  /** How the worker publishes. */
  readonly by: "PUBLISH" | "FCALL";
  /** Whether another relay has the lease, and so appends what PUBLISH brings. */
  readonly hasStandIn: boolean;
}

/** Names of the systems in the program. */
export type SystemKey = "off" | "publish" | "fcall" | "delivers";

/** All systems, in the order in which every round runs them. The first is what the others are compared with. */
export const systems: readonly HistorySystem[] = [
  { key: "off", name: "off", hasHistory: false, by: "PUBLISH", hasStandIn: false },
  { key: "publish", name: "on, PUBLISH", hasHistory: true, by: "PUBLISH", hasStandIn: false },
  { key: "fcall", name: "on, FCALL", hasHistory: true, by: "FCALL", hasStandIn: false },
  {
    key: "delivers",
    name: "on, PUBLISH, another relay appends",
    hasHistory: true,
    by: "PUBLISH",
    hasStandIn: true,
  },
];

/** One number for each round, by system. */
export type Rounds = Readonly<Record<SystemKey, number[]>>;

/** Rounds that have yet to come. */
export function noRounds(): Rounds {
  return { off: [], publish: [], fcall: [], delivers: [] };
}
