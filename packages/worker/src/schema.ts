import type { StandardSchema } from "@tidings/protocol/standard-schema";

/**
 * The schema of each type of update, the same object that `@tidings/client` takes as `events`: here it says what may be
 * published.
 */
export type EventSchemas<E> = { readonly [K in keyof E]: StandardSchema<E[K], unknown> };

/** The schema of each type of message of browsers, the same object that `@tidings/client` takes as `messages`. */
export type MessageSchemas<M> = { readonly [K in keyof M]: StandardSchema<unknown, M[K]> };
