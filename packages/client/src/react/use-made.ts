import { useState } from "react";

/** Makes something once, and anew where one of `keys` changes. Unlike with `useMemo`, React may not forget it. */
export function useMade<T>(make: () => T, keys: readonly unknown[]): T {
  const [held, setHeld] = useState(() => ({ keys, value: make() }));
  if (keys.every((key, at) => key === held.keys[at])) return held.value;
  const made = { keys, value: make() };
  setHeld(made);
  return made.value;
}
