export * from "./bytes.ts";
export * from "./client-message.ts";
export * from "./close-codes.ts";
export * from "./frames.ts";
export * from "./json-scanner.ts";
export * from "./limits.ts";
export * from "./offset.ts";
export * from "./update.ts";
