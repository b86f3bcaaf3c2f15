import type { StandardSchema } from "@tidings/protocol/standard-schema";

/** The schema of each type of update, which gives handlers their payloads' types. */
export type EventSchemas<E> = { readonly [K in keyof E]: StandardSchema<unknown, E[K]> };

/** The schema of each type of message to the workers. */
export type MessageSchemas<M> = { readonly [K in keyof M]: StandardSchema<M[K], unknown> };
