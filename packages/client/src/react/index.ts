export * from "./register.ts";
export {
  type FollowOptions,
  useGap,
  useReconnect,
  useSend,
  useStatus,
  useUpdate,
  useUpdates,
} from "./hooks.ts";
export { TidingsProvider, type TidingsProviderProps } from "./provider.ts";
