import { closeBody, frame, opcodes } from "../support/frames.ts";
import { cutAt, validText } from "./texts.ts";

/** Frames that are well-formed, and what an endpoint that echoes answers. */
export interface Echo {
  /** What is sent, as the subject of a sentence. */
  readonly name: string;
  /** The section of RFC 6455 that allows it. */
  readonly rfc: string;
  /** Each is written to TCP on its own. */
  readonly send: readonly Uint8Array[];
  /** Opcode and payload of each frame that comes back, in order. */
  readonly back: readonly (readonly [number, Uint8Array])[];
}

const { text, binary, ping, pong, continuation, close } = opcodes;
const open = { fin: false };
const filled = (length: number): Uint8Array => Buffer.alloc(length, "*");
const utf8 = (value: string): Uint8Array => Buffer.from(value);

/** A message in fragments of that many bytes. */
export function fragments(opcode: number, payload: Uint8Array, size: number): readonly Uint8Array[] {
  const count = Math.max(1, Math.ceil(payload.length / size));
  return Array.from({ length: count }, (_, at) =>
    frame(at === 0 ? opcode : continuation, payload.subarray(at * size, (at + 1) * size), {
      fin: at === count - 1,
    }),
  );
}

/** Bytes in pieces of that size. */
function chopped(bytes: Uint8Array, size: number): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );
}

const lengths: readonly Echo[] = [0, 1, 124, 125, 126, 127, 128, 65_535, 65_536, 65_537, 131_072].flatMap(
  (length) =>
    ([text, binary] as const).map((opcode) => ({
      name: `a ${opcode === text ? "text" : "binary message"} of ${length} bytes`,
      rfc: "5.2",
      send: [frame(opcode, filled(length))],
      back: [[opcode, filled(length)] as const],
    })),
);

const longForms: readonly Echo[] = ([16, 64] as const).flatMap((lengthBits) =>
  [0, 1, 125].map((length) => ({
    name: `a text of ${length} bytes whose length needlessly takes ${lengthBits} bits`,
    rfc: "5.2, read leniently as other servers do",
    send: [frame(text, filled(length), { lengthBits })],
    back: [[text, filled(length)] as const],
  })),
);

const masks: readonly Echo[] = (
  [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [0x2a, 0x2a, 0x2a, 0x2a],
    [1, 0, 0, 0],
    [0, 0, 0, 128],
  ] as const
).map((mask) => ({
  name: `a text with the mask ${mask.join(".")}`,
  rfc: "5.3",
  send: [frame(text, validText, { mask })],
  back: [[text, utf8(validText)]],
}));

const pings: readonly Echo[] = [
  ...[0, 1, 4, 125].map((length) => ({
    name: `a ping of ${length} bytes`,
    rfc: "5.5.2",
    send: [frame(ping, filled(length))],
    back: [[pong, filled(length)] as const],
  })),
  {
    name: "a ping of bytes that are no text",
    rfc: "5.5.2",
    send: [frame(ping, Uint8Array.of(0, 255, 254, 253))],
    back: [[pong, Uint8Array.of(0, 255, 254, 253)]],
  },
  {
    name: "a ping of 125 bytes in pieces of one byte",
    rfc: "5.5.2",
    send: chopped(frame(ping, filled(125)), 1),
    back: [[pong, filled(125)]],
  },
  {
    name: "ten pings at once",
    rfc: "5.5.2",
    send: [Buffer.concat(Array.from({ length: 10 }, (_, n) => frame(ping, `p${n}`)))],
    back: Array.from({ length: 10 }, (_, n) => [pong, utf8(`p${n}`)]),
  },
  {
    name: "a pong that nobody asked for, with a ping after it",
    rfc: "5.5.3",
    send: [frame(pong, "unasked"), frame(pong), frame(ping, "p")],
    back: [[pong, utf8("p")]],
  },
];

const inFragments: readonly Echo[] = [
  ...[1, 3, 64, 1_000].map((size) => ({
    name: `a text in fragments of ${size} bytes`,
    rfc: "5.4",
    send: fragments(text, filled(1_000), size),
    back: [[text, filled(1_000)] as const],
  })),
  {
    name: "a text in fragments of one byte, each in pieces of one byte",
    rfc: "5.4",
    send: fragments(text, utf8("fragments"), 1).flatMap((part) => chopped(part, 1)),
    back: [[text, utf8("fragments")]],
  },
  {
    name: "a text between empty fragments",
    rfc: "5.4",
    send: [
      frame(text, "", open),
      frame(continuation, "", open),
      frame(continuation, "x", open),
      frame(continuation),
    ],
    back: [[text, utf8("x")]],
  },
  {
    name: "a text of nothing but empty fragments",
    rfc: "5.4",
    send: [frame(text, "", open), frame(continuation, "", open), frame(continuation)],
    back: [[text, utf8("")]],
  },
  {
    name: "a text with a ping between its fragments, answered first",
    rfc: "5.4",
    send: [frame(text, "one ", open), frame(ping, "now"), frame(continuation, "text")],
    back: [
      [pong, utf8("now")],
      [text, utf8("one text")],
    ],
  },
  {
    name: "a text with pings and pongs between all its fragments",
    rfc: "5.4",
    send: [
      frame(text, "a", open),
      frame(ping, "1"),
      frame(pong, "x"),
      frame(continuation, "b", open),
      frame(ping, "2"),
      frame(continuation, "c"),
      frame(ping, "3"),
    ],
    back: [
      [pong, utf8("1")],
      [pong, utf8("2")],
      [text, utf8("abc")],
      [pong, utf8("3")],
    ],
  },
  {
    name: "a binary message in fragments that cut a character",
    rfc: "5.4",
    send: [frame(binary, Uint8Array.of(0xe2), open), frame(continuation, Uint8Array.of(0x28))],
    back: [[binary, Uint8Array.of(0xe2, 0x28)]],
  },
  {
    name: "two texts in fragments, one after the other, in one write",
    rfc: "5.4",
    send: [Buffer.concat([...fragments(text, utf8("first"), 2), ...fragments(text, utf8("second"), 3)])],
    back: [
      [text, utf8("first")],
      [text, utf8("second")],
    ],
  },
];

const chops: readonly Echo[] = [1, 2, 5, 13, 997].map((size) => ({
  name: `a text of 4096 bytes in pieces of ${size} bytes`,
  rfc: "5.2",
  send: chopped(frame(text, filled(4_096)), size),
  back: [[text, filled(4_096)]],
}));

const splits: readonly Echo[] = Array.from({ length: utf8(validText).length + 1 }, (_, at) => ({
  name: `a text of every kind of character, cut into fragments at byte ${at}`,
  rfc: "8.1",
  send: cutAt(utf8(validText), at),
  back: [[text, utf8(validText)]],
}));

const limits: readonly Echo[] = [16, 64, 256, 1_024, 16_384].flatMap((size) =>
  ([text, binary] as const).map((opcode) => ({
    name: `a ${opcode === text ? "text" : "binary message"} of 1 MiB in fragments of ${size} bytes`,
    rfc: "5.4",
    send: [Buffer.concat(fragments(opcode, filled(1_048_576), size))],
    back: [[opcode, filled(1_048_576)]],
  })),
);

/** Ends that come with a text before them, after it, or in its midst. */
const ends: readonly Echo[] = [
  {
    name: "a close without a code",
    rfc: "5.5.1",
    send: [frame(close)],
    back: [[close, utf8("")]],
  },
  {
    name: "a text and a close behind it",
    rfc: "5.5.1",
    send: [Buffer.concat([frame(text, "x"), frame(close, closeBody(1000, "bye"))])],
    back: [
      [text, utf8("x")],
      [close, closeBody(1000, "bye")],
    ],
  },
  {
    name: "a close with text, ping and another close behind it, which mean nothing,",
    rfc: "5.5.1",
    send: [
      Buffer.concat([
        frame(close, closeBody(1000)),
        frame(text, "late"),
        frame(ping, "late"),
        frame(close, closeBody(1001)),
      ]),
    ],
    back: [[close, closeBody(1000)]],
  },
  {
    name: "a close within a text in fragments, which is then dropped,",
    rfc: "5.5.1",
    send: [frame(text, "x", open), frame(close, closeBody(1000)), frame(continuation, "y")],
    back: [[close, closeBody(1000)]],
  },
  {
    name: "a close with a reason of 123 bytes",
    rfc: "5.5",
    send: [frame(close, closeBody(1000, "é".repeat(61) + "x"))],
    back: [[close, closeBody(1000, "é".repeat(61) + "x")]],
  },
];

/** Messages that leave the connection open. */
export const echoes: readonly Echo[] = [
  ...lengths,
  ...longForms,
  ...masks,
  ...pings,
  ...inFragments,
  ...chops,
  ...splits,
  ...limits,
];

/** Exchanges that end with the connection. */
export const endings: readonly Echo[] = ends;
