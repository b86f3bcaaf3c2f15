import { BROADCAST_TARGET } from "@tidings/protocol";
import { LogNoticeReader } from "../broker/log-notice.ts";
import type { LogPosition } from "../broker/update-log.ts";
import type { DeliveryCounters } from "../metrics.ts";
import type { Hub } from "../websocket/hub.ts";
import type { Feed } from "./feed.ts";
import type { Feeds } from "./feeds.ts";
import type { HistoryClient } from "./history-client.ts";
import { type LogFramer, sendUpdate } from "./log-framer.ts";

/** What the intake works with. */
export interface LogIntakeOptions {
  readonly hub: Hub<HistoryClient>;
  readonly feeds: Feeds;
  readonly framer: LogFramer;
  readonly counters: DeliveryCounters;
  /** Clients of a feed were left behind at `place`. */
  readonly onHole: (feed: Feed, place: LogPosition) => void;
  /** An update of another epoch than the feed's came. */
  readonly onOtherEpoch: (feed: Feed) => void;
  /** Something on the log's channel is no notice: its size. */
  readonly onUnreadable: (bytes: number) => void;
}

/** Takes the notices of stored updates and delivers those that come next; the rest makes clients catch up. */
export class LogIntake {
  readonly #options: LogIntakeOptions;
  readonly #notice = new LogNoticeReader();

  constructor(options: LogIntakeOptions) {
    this.#options = options;
  }

  /** Handles one notice. Bound, so that it can be handed to a broker as it is. */
  readonly receive = (message: Uint8Array): void => {
    const notice = this.#notice;
    const { feeds, counters, onUnreadable } = this.#options;
    if (!notice.read(message)) {
      onUnreadable(message.length);
      return;
    }
    const feed = feeds.of(notice.target);
    if (feed === undefined) {
      counters.noConnection += 1;
      return;
    }
    const { epoch, n } = feed;
    const step = feed.step(notice.epochIs(epoch), notice, notice.n);
    if (step === "next") this.#deliver(feed, message);
    else if (step === "hole") this.#options.onHole(feed, { epoch, n });
    else if (step === "other_epoch") this.#options.onOtherEpoch(feed);
  };

  #deliver(feed: Feed, message: Uint8Array): void {
    const { hub, framer, counters } = this.#options;
    const { target, n, missed, frameStart } = this.#notice;
    const clients = target === BROADCAST_TARGET ? hub.clients : hub.clientsOf(target);
    let hasClient = false;
    const update = framer.frame(target, feed.epoch, n, missed, message.subarray(frameStart));
    for (const client of clients) {
      hasClient = true;
      if (client.catchUp !== null) client.catchUp.offer(feed, update);
      else if (sendUpdate(client, update)) counters.deliveries += 1;
    }
    if (hasClient) counters.delivered += 1;
    else counters.noConnection += 1;
  }
}
