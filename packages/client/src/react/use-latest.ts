import { useInsertionEffect, useRef } from "react";

/** Something that changes with each render, for those who look at it later. */
export interface Latest<T> {
  readonly current: T;
}

/** Keeps what the latest render that was shown was given, so that a function may differ each time without a consequence. */
export function useLatest<T>(value: T): Latest<T> {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}
