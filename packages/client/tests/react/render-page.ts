import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { App, type PageState } from "./page.ts";

/** Renders the page on the server. */
export function renderPage(state: PageState): string {
  return renderToString(createElement(App, state));
}
