import type { Issue } from "@tidings/protocol/standard-schema";

/** An update as a worker published it, without its target. */
export interface Update<Type extends string = string, Payload = unknown> {
  readonly type: Type;
  readonly payload: Payload;
  /** Where it stands in its log; absent where the relay keeps no history. */
  readonly offset?: string;
  /** Whatever else the worker wrote beside the payload. */
  readonly [field: string]: unknown;
}

/** An update of any of the types of a map. */
export type UpdateOf<E> = { [K in keyof E & string]: Update<K, E[K]> }[keyof E & string];

/** An update whose payload does not fit the schema of its type. No handler gets it. */
export interface InvalidUpdate {
  readonly update: Update;
  readonly issues: ReadonlyArray<Issue>;
}
