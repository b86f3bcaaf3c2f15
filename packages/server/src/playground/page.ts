import type { HTMLBundle } from "bun";
import page from "./index.html";

/**
 * The playground as a route of `Bun.serve`, `routes: { "/": playgroundPage }`. Bun bundles it on first use.
 */
export const playgroundPage: HTMLBundle = page;
