import { createElement, type ReactElement, StrictMode } from "react";
import { createRoot, hydrateRoot } from "react-dom/client";
import { fetchTicket } from "../../src/fetch-ticket.ts";
import { TidingsProvider, useGap, useStatus, useUpdate, useUpdates } from "../../src/react/index.ts";

// The page of `tests/client/react.test.ts`, and what its server renders of it.

/** What the page's server hands over. */
export interface PageState {
  readonly relay: string;
  readonly since: string | null;
  /** Numbers that the server has loaded. */
  readonly loaded: readonly number[];
}

/** What a page keeps for its test to look at. */
export interface Kept {
  readonly renders: { list: number; total: number; status: number };
  frames: number;
  readonly handled: unknown[];
  readonly gaps: unknown[];
  readonly faults: string[];
  unmount: () => void;
}

/** The part of an element that is used. */
type PageElement = Element & { readonly innerHTML: string; readonly textContent: string };

interface Page {
  readonly document?: { getElementById(id: string): PageElement };
  readonly requestAnimationFrame?: (run: () => void) => number;
}

const page = globalThis as unknown as Page & { kept?: Kept };

function count(name: keyof Kept["renders"]): void {
  if (page.kept) page.kept.renders[name] += 1;
}

function List({ since, loaded }: PageState): ReactElement {
  count("list");
  const numbers = useUpdates("step", (all, n) => [...all, n as number], loaded, { since });
  return createElement("ol", { id: "list" }, numbers.join(" "));
}

function Total(): ReactElement {
  count("total");
  const total = useUpdates("*", (sum) => sum + 1, 0);
  useUpdate("step", (n) => page.kept?.handled.push(n));
  useGap((gap) => page.kept?.gaps.push(gap));
  return createElement("p", { id: "total" }, total);
}

function Standing(): ReactElement {
  count("status");
  return createElement("p", { id: "status" }, useStatus().kind);
}

/** The whole page. */
export function App(state: PageState): ReactElement {
  return createElement(
    StrictMode,
    null,
    createElement(
      TidingsProvider,
      // A function of its own for each render, as most applications have it.
      { url: state.relay, since: state.since, token: () => fetchTicket("/api/tidings")() },
      createElement(List, state),
      createElement(Total),
      createElement(Standing),
    ),
  );
}

function start(root: PageElement, state: PageState): void {
  const kept: Kept = {
    renders: { list: 0, total: 0, status: 0 },
    frames: 0,
    handled: [],
    gaps: [],
    faults: [],
    unmount: () => {},
  };
  page.kept = kept;
  const onFault = (error: unknown): void => void kept.faults.push(String(error));
  const faults = { onRecoverableError: onFault, onUncaughtError: onFault };
  const app = createElement(App, state);
  if (root.innerHTML === "") {
    const mounted = createRoot(root, faults);
    mounted.render(app);
    kept.unmount = () => mounted.unmount();
  } else {
    const mounted = hydrateRoot(root, app, faults);
    kept.unmount = () => mounted.unmount();
  }
  const drawn = (): void => {
    kept.frames += 1;
    page.requestAnimationFrame?.(drawn);
  };
  drawn();
}

const { document } = page;
if (document) {
  const state = JSON.parse(document.getElementById("state").textContent) as PageState;
  start(document.getElementById("root"), state);
}
