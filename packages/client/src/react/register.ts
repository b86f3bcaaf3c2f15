import type { StandardSchema } from "@tidings/protocol/standard-schema";

/**
 * Where an application writes down its types once, for all hooks:
 *
 * ```ts
 * declare module "@tidings/client/react" {
 *   interface Register {
 *     events: typeof events; // schemas, or payloads by type
 *     messages: { stop: { run: string } };
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type, typescript/no-empty-interface -- Applications fill it.
export interface Register {}

/** What an update of each type carries: as registered, else unknown. */
export type Events = Register extends { readonly events: infer E }
  ? { [K in keyof E]: E[K] extends StandardSchema<unknown, infer Payload> ? Payload : E[K] }
  : Record<string, unknown>;

/** What a message of each type carries: as registered, else unknown. */
export type Messages = Register extends { readonly messages: infer M }
  ? { [K in keyof M]: M[K] extends StandardSchema<infer Payload, unknown> ? Payload : M[K] }
  : Record<string, unknown>;
