import { handshake, token, type Wave } from "./assault.ts";

const LANES = 8;
const HELD = 300;
const NOISE = "\u001b[31m\tfatal\r";

/** Tokens that no key of the relay made, or that say what none may say. */
function forged(user: string, secret: string): readonly string[] {
  const none = token(user, secret, { alg: "none" });
  return [
    none,
    none.slice(0, none.lastIndexOf(".") + 1),
    token(user, `${secret}!`),
    token(user, secret, {}, { exp: 1 }),
    token(user, secret, {}, { sub: "*\n" }),
    token(user, secret, {}, { sub: { toString: "a" } }),
    token(user, secret, {}, { nbf: 9_999_999_999 }),
    token(user, secret, { kid: "../../etc/passwd", jku: "http://127.0.0.1:1/" }),
    "a".repeat(7_000),
    "..",
  ];
}

/** Attacks before there is a WebSocket. */
export const handshakeWaves: Readonly<Record<string, Wave>> = {
  "connections that never say anything": async (assault) => {
    const silent = Array.from({ length: HELD }, () => assault.socket());
    assault.attempts = silent.length;
    await Promise.all(silent.map((socket) => assault.held(socket, 60_000)));
  },

  "handshakes that trickle in": async (assault) => {
    const text = handshake();
    await assault.repeat(HELD / 3, async () => {
      const socket = assault.socket();
      for (const char of text) {
        if (assault.isOver || socket.destroyed) break;
        socket.write(char);
        await Bun.sleep(100);
      }
      socket.destroy();
    });
  },

  "header floods": async (assault) => {
    const many = Array.from({ length: 2_000 }, (_, n) => `X-${n}: 1`);
    const floods = [
      handshake(many),
      handshake([`X: ${"a".repeat(1_000_000)}`]),
      `GET /${"a".repeat(100_000)}`,
    ];
    await assault.repeat(LANES, async () => {
      const socket = assault.socket();
      socket.write(floods[assault.attempts % floods.length] ?? "");
      await assault.answer(socket);
      socket.destroy();
    });
  },

  "forged tokens": async (assault) => {
    const tokens = forged("u1", assault.target.secret);
    await assault.repeat(LANES, async () => {
      const socket = assault.socket();
      const wrong = tokens[assault.attempts % tokens.length] ?? "";
      const line =
        assault.attempts % 2 === 0
          ? `Authorization: Bearer ${wrong}`
          : `Sec-WebSocket-Protocol: tidings.v1, tidings.token.${wrong}`;
      socket.write(handshake([line]));
      await assault.answer(socket);
      socket.destroy();
    });
  },

  "connect and close in a storm": async (assault) => {
    await assault.repeat(LANES * 2, async () => {
      const socket = await assault.enter(`storm-${assault.attempts}`);
      socket.destroy();
    });
  },

  "resets in the midst of a handshake": async (assault) => {
    const text = handshake([`Authorization: Bearer ${token("reset", assault.target.secret)}`]);
    await assault.repeat(LANES, async () => {
      const socket = assault.socket();
      socket.write(text.slice(0, 1 + ((assault.attempts * 37) % text.length)));
      await Bun.sleep(assault.attempts % 4);
      socket.resetAndDestroy();
    });
  },

  "odd requests, forged addresses and noise for the log": async (assault) => {
    const requests = (n: number): readonly string[] => [
      `GET /ws/../metrics?${n} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.${n % 256}.1, 8.8.8.8\r\n\r\n`,
      `M${n} /p${n} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `POST /v1/publish HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${n}\r\nContent-Length: 2\r\n\r\n[]`,
      `GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: https://evil-${n}.test${NOISE}\r\nUser-Agent: ${NOISE}\r\n\r\n`,
      `GET /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /metrics`,
      `DELETE /v1/users/${"%00".repeat(50)}/connections HTTP/1.1\r\nHost: x\r\n\r\n`,
      "\0\0\0\0\u0016\u0003\u0001\r\n\r\n",
    ];
    await assault.repeat(LANES, async () => {
      const socket = assault.socket();
      const all = requests(assault.attempts);
      socket.write(all[assault.attempts % all.length] ?? "");
      await assault.answer(socket);
      socket.destroy();
    });
  },
};
