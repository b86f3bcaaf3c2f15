import { listenFault } from "../listen-fault.ts";

/** A port that several processes of one relay listen on, and no other relay. */
export interface SharedPort extends Disposable {
  readonly port: number;
}

/**
 * Takes a port for the workers of one relay. The kernel lets any process of the same user join a shared port and take its
 * part of the connections; two relays would so split their users without a word. So the port has to be free of everybody
 * first, and a name that only one process can have stands for it from then on, which closes the time between this look and
 * the first worker's listening. The kernel takes the name back when the process ends, however it ends.
 * @throws {Error} in one sentence that names the port, where it is in use.
 */
export function takeSharedPort(host: string, port: number): SharedPort {
  try {
    using free = lookAt(host, port);
    const name = Bun.listen({
      unix: `\0tidings:${host}:${free.port}`,
      socket: { open: (socket) => void socket.end(), data() {} },
    });
    return { port: free.port, [Symbol.dispose]: () => name.stop(true) };
  } catch (cause) {
    throw new Error(`cannot listen on ${host}:${port}: ${listenFault(cause)}`, { cause });
  }
}

/** Listens alone for a moment; a port 0 becomes one that is free. */
function lookAt(host: string, port: number): SharedPort {
  const listener = Bun.listen({ hostname: host, port, exclusive: true, socket: { data() {} } });
  return { port: listener.port, [Symbol.dispose]: () => listener.stop(true) };
}
