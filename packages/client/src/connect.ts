import { Connection, type OpenLine } from "./connection.ts";
import { DirectLine } from "./direct-line.ts";
import type { Line, LineEvents } from "./line.ts";
import type { Platform } from "./platform.ts";
import type { ConnectOptions, Tidings } from "./tidings.ts";
import type { TokenSource } from "./token.ts";
import { webPlatform } from "./web-platform.ts";

/**
 * Connects to a relay, and stays connected until it is closed.
 * @throws {TypeError} where `url` is no address.
 */
export function connect<E = Record<string, unknown>, M = Record<string, unknown>>(
  options: ConnectOptions<E, M>,
): Tidings<E, M> {
  return connectOn(webPlatform(), options);
}

/** As {@link connect}, with the surroundings handed in. */
export function connectOn<E = Record<string, unknown>, M = Record<string, unknown>>(
  platform: Platform,
  options: ConnectOptions<E, M>,
): Tidings<E, M> {
  const { url, token, share } = options;
  const line = { url: new URL(url, platform.base), token };
  const openOwn = (events: LineEvents, token?: TokenSource): Line =>
    new DirectLine(platform, token === undefined ? line : { ...line, token }, events);
  const open: OpenLine = (events, attach) => {
    if (!platform.sharing || share === false) return attach(openOwn(events));
    import("./share/open-shared.ts").then(
      ({ openShared }) => openShared(platform, { ...line, share }, events, openOwn, attach),
      // Where the chunk cannot be had, a connection of one's own does as well.
      () => attach(openOwn(events)),
    );
  };
  return new Connection(platform, options, open);
}
