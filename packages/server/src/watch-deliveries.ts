import type { DeliveryCounters } from "./metrics.ts";

/**
 * Makes a question: whether anything was handed to a client since it was asked last, or `isHolder` says that this relay
 * brings into the log what others wait for.
 */
export function watchDeliveries(
  counters: Pick<DeliveryCounters, "deliveries">,
  isHolder: () => boolean,
): () => boolean {
  let seen = counters.deliveries;
  return () => {
    const hasMoved = counters.deliveries !== seen;
    seen = counters.deliveries;
    return hasMoved || isHolder();
  };
}
