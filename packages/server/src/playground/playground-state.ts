import { type Conversation, asked, heard, interrupted } from "./conversation.ts";
import type { ReceivedFrame } from "./received-frame.ts";

/** Everything the page shows of what was heard. */
export interface PlaygroundState {
  readonly conversation: Conversation;
  /** The latest frames, newest first. */
  readonly feed: readonly ReceivedFrame[];
  /** How many frames came since the page was opened or the feed was cleared. */
  readonly feedTotal: number;
}

/** What can happen to it. */
export type PlaygroundAction =
  | { readonly kind: "frames"; readonly frames: readonly ReceivedFrame[] }
  | { readonly kind: "asked"; readonly run: string; readonly question: string; readonly at: number }
  | { readonly kind: "connection-lost" }
  | { readonly kind: "feed-cleared" };

/** The state of a page that has heard nothing yet. */
export const emptyPlayground: PlaygroundState = { conversation: [], feed: [], feedTotal: 0 };

const maxFeed = 200;

/** The state after an action. */
export function reducePlayground(state: PlaygroundState, action: PlaygroundAction): PlaygroundState {
  switch (action.kind) {
    case "frames":
      return {
        conversation: action.frames.reduce(heard, state.conversation),
        feed: [...action.frames.toReversed(), ...state.feed].slice(0, maxFeed),
        feedTotal: state.feedTotal + action.frames.length,
      };
    case "asked":
      return { ...state, conversation: asked(state.conversation, action.run, action.question, action.at) };
    case "connection-lost":
      return { ...state, conversation: interrupted(state.conversation) };
    case "feed-cleared":
    default:
      return { ...state, feed: [], feedTotal: 0 };
  }
}
