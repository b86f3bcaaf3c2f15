"use client";

import { useEffect, useState, useSyncExternalStore } from "react";
import { ConversationStore } from "./conversation-store.ts";
import type { Conversation, Run } from "./run.ts";

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** The store of this page's conversations, kept for as long as the page lives. */
export function useConversationStore(initial: Conversation): ConversationStore {
  const [store] = useState(() => new ConversationStore(initial, readConversation));
  return store;
}

/** All runs. The SDK tells updates together, once a frame, and so they are rendered. */
export function useRuns(store: ConversationStore): readonly Run[] {
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

/** Tells a component what happens, once and in order. */
export function useRunEvents(
  store: ConversationStore,
  watcher: Parameters<ConversationStore["watch"]>[0],
): void {
  useEffect(() => store.watch(watcher), [store, watcher]);
}

/** Reads what is stored, however often it takes. */
async function readConversation(): Promise<Conversation> {
  for (let pause = firstPauseMs; ; pause = Math.min(pause * 2, longestPauseMs)) {
    const response = await fetch("/api/conversation").catch(() => null);
    if (response?.ok) return (await response.json()) as Conversation;
    if (response?.status === 401) location.assign("/sign-in");
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random() / 2)));
  }
}
