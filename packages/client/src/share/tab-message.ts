import type { WelcomePayload } from "@tidings/protocol";
import type { Frame } from "../frame.ts";
import type { Status, Transport } from "../status.ts";

/**
 * What the tab with the connection tells the others, or the one named in `to`. `term` is when it became the leader: a tab
 * that wakes up may not know yet that another took over.
 */
export type LeaderMessage = { readonly term: number; readonly to?: string } & LeaderWord;

/** What a leader has to say. */
export type LeaderWord =
  | {
      readonly kind: "welcome";
      readonly payload: WelcomePayload;
      readonly asked: string | null;
      readonly transport: Transport;
    }
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "down"; readonly status: Status }
  /** It lives. */
  | { readonly kind: "here" };

/** What another tab asks of the one with the connection. */
export type FollowerMessage =
  /** How do we stand? */
  | { readonly kind: "hello"; readonly from: string }
  /** Are you there? */
  | { readonly kind: "ping"; readonly from: string }
  /** For the leader of that term, lest two send it. */
  | { readonly kind: "send"; readonly term: number; readonly frame: Frame }
  | { readonly kind: "reconnect" }
  /** A wait is over, or the page was shown: a hidden leader's timers may be late. */
  | { readonly kind: "wake" };

/** Any message between tabs. Tabs of one origin trust each other as one page does. */
export type TabMessage = LeaderMessage | FollowerMessage;
