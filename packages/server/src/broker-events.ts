import type { Logger } from "pino";
import type { Revocations } from "./auth/revocations.ts";
import type { BrokerEvents } from "./broker/broker.ts";
import type { LogDelivery } from "./history/log-delivery.ts";
import { faultText } from "./log.ts";
import type { LogSampler } from "./log-sampler.ts";
import type { Metrics } from "./metrics.ts";

/**
 * What a relay logs, counts and does of what its broker tells. The broker is made before the rest, so the rest is asked
 * for when there is something to tell.
 */
export function brokerEvents(
  logger: Logger,
  metrics: () => Metrics,
  redis: string,
  delivery: () => LogDelivery | null,
  revocations: () => Revocations,
  sampler: LogSampler,
): BrokerEvents {
  return {
    onHealth(health) {
      if (health.ok) {
        logger.info({ lag_ms: health.lagMs }, "updates arrive");
        revocations().arrived();
        delivery()?.ingest.arrived();
      } else logger.warn({ reason: health.reason }, "updates do not arrive");
    },
    onLag: (lagMs) => metrics().lag(lagMs),
    onResubscribed() {
      metrics().resubscribed();
      const history = delivery()?.history;
      if (history === undefined) logger.warn("subscribed again: updates published meanwhile were missed");
      else logger.info("subscribed again: reading from the log what was missed");
      history?.resubscribed();
    },
    onConnectionLost(reason) {
      metrics().brokerLost();
      revocations().interrupted();
      delivery()?.ingest.interrupted();
      logger.warn({ reason, redis }, "no connection to the broker; trying again");
    },
    onRefused: (reason) =>
      sampler.note("refused", (more) => logger.error({ reason, more }, "the broker refused")),
    onBoundsReplaced: (changes) =>
      logger.warn(
        { changes },
        "the function library in Redis had other history settings and was replaced: give all relays the same",
      ),
    onHandlerError(error) {
      metrics().handlerError();
      logger.error({ error: faultText(error) }, "a message from the broker could not be handled");
    },
  };
}
