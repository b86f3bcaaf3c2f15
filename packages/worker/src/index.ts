export type { History } from "./delivery.ts";
export type { OutgoingUpdate, PublishOptions } from "./draft.ts";
export { TidingsError, type TidingsErrorCode } from "./errors.ts";
export type { Inbox, Interruption, Message, MessageOf } from "./inbound.ts";
export type { IoRedisClient } from "./ioredis-port.ts";
export type { NodeRedisClient } from "./node-redis-port.ts";
export type { Connections } from "./relay-api.ts";
export type { Issue, SchemaResult, StandardSchema } from "@tidings/protocol/standard-schema";
export type { EventSchemas, MessageSchemas } from "./schema.ts";
export type { TokenStream } from "./token-stream.ts";
export {
  type ListenOptions,
  type SignalOptions,
  type StreamOptions,
  TidingsWorker,
  type WorkerOptions,
} from "./worker.ts";
