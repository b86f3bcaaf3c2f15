import { createElement, type ReactElement, type ReactNode, useEffect } from "react";
import { connect, type ConnectOptions, type InvalidUpdate, type Tidings } from "../index.ts";
import { tokenOf } from "../token.ts";
import { pageFrames } from "./frames.ts";
import type { Events, Messages } from "./register.ts";
import { Store } from "./store.ts";
import { StoreContext } from "./store-context.ts";
import { type Latest, useLatest } from "./use-latest.ts";
import { useMade } from "./use-made.ts";

interface Common {
  readonly children?: ReactNode;
  /** Called with updates that their schema refused. */
  readonly onInvalid?: (invalid: InvalidUpdate) => void;
}

/** Options of a connection that the provider opens and closes. */
interface OwnConnection extends Omit<ConnectOptions<Events, Messages>, "signal"> {
  readonly client?: undefined;
}

/** A connection that the application holds itself. */
interface GivenConnection {
  readonly client: Tidings<Events, Messages>;
  /** The place before all that the connection has told. */
  readonly since?: string | null;
}

/**
 * What a provider is given: how to connect, or a connection. Another `url`, `share` or `client` makes a new connection;
 * of all else the functions may change, and the rest counts as it was first.
 */
export type TidingsProviderProps = Common & (OwnConnection | GivenConnection);

/**
 * Gives the components below it one connection, which opens once they are mounted and closes after they have gone. Nothing
 * of it happens on the server.
 */
export function TidingsProvider(props: TidingsProviderProps): ReactElement {
  const latest = useLatest(props);
  const identity = props.client ?? `${String(props.url)} ${String(props.share)}`;
  const store = useMade(() => storeOf(props, latest), [identity]);
  useEffect(() => store.retain(), [store]);
  return createElement(StoreContext.Provider, { value: store }, props.children);
}

function storeOf(props: TidingsProviderProps, latest: Latest<TidingsProviderProps>): Store {
  return new Store({
    open: (since) => props.client ?? openOwn(props, latest, since),
    isOwner: !props.client,
    since: props.since ?? null,
    frames: pageFrames,
    onInvalid: (invalid) => latest.current.onInvalid?.(invalid),
  });
}

/** Opens a connection that asks the provider of now for its tokens, whose function may be another each time. */
function openOwn(
  props: OwnConnection,
  latest: Latest<TidingsProviderProps>,
  since: string | null,
): Tidings<Events, Messages> {
  const { url, share, events, messages } = props;
  return connect({
    url,
    since,
    token: () => tokenOf(latest.current.client ? null : latest.current.token),
    ...(share !== undefined && { share }),
    ...(events && { events }),
    ...(messages && { messages }),
  });
}
