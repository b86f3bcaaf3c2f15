export * from "./close-codes.ts";
export * from "./frames.ts";
export * from "./limits.ts";
