import { type Context, createContext, useContext } from "react";
import type { Store } from "./store.ts";

/** The store of the nearest provider. */
export const StoreContext: Context<Store | null> = createContext<Store | null>(null);

/**
 * Gives the store of the nearest provider.
 * @throws {TypeError} where there is none.
 */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new TypeError("there is no <TidingsProvider> above this component");
  return store;
}
