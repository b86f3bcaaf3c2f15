import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { userIdFault } from "./limits.ts";
import { type UpdateFault, UpdateReader } from "./update.ts";

const reader = new UpdateReader({ maxBytes: 1_048_576 });
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string): UpdateFault | null => reader.read(encode(text));

/** A key as a hostile worker may write it: each character as it is or as a \u escape. */
const escapedKey = (key: string): fc.Arbitrary<string> =>
  fc
    .array(fc.boolean(), { minLength: key.length, maxLength: key.length })
    .map((escapes) =>
      Array.from(key, (letter, index) =>
        escapes[index] ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}` : letter,
      ).join(""),
    );

const space = fc.constantFrom("", " ", "\n\t", "  ");

/** JSON texts whose bytes say more than their value: huge numbers, escapes, spaces, keys that look like ours. */
const rawValue = fc.oneof(
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.constantFrom(
    "1e400",
    "12345678901234567890",
    "-0.0",
    '"\\u0041\\/"',
    '{"target_user_id":"eve","type":"tidings.x"}',
    '"\\"target_user_id\\":\\"eve\\""',
    '[[[[{"target_user_id":[]}]]]]',
    '{"b":1,"a":2,"b":3}',
    '"\\ud83d"',
    '"😀é"',
    '{"__proto__":{"admin":true}}',
  ),
);

const otherMember = fc.tuple(
  fc
    .string()
    .filter((key) => !["target_user_id", "type", "payload"].includes(key))
    .map((key) => JSON.stringify(key)),
  rawValue,
);

describe("a valid update", () => {
  test("keeps every byte but its target, wherever that stands and however it is spelled", () => {
    fc.assert(
      fc.property(
        escapedKey("target_user_id"),
        escapedKey("type"),
        escapedKey("payload"),
        rawValue,
        fc.array(otherMember, { maxLength: 4 }),
        fc.nat(),
        fc.array(space, { minLength: 6, maxLength: 6 }),
        (targetKey, typeKey, payloadKey, payload, others, place, spaces) => {
          const [before, afterKey, beforeValue, afterValue, afterComma, end] = spaces;
          const member = ([key, value]: readonly [string, string]): string =>
            `${key}${afterKey}:${beforeValue}${value}${afterValue}`;
          const rest = [
            [`"${typeKey}"`, '"agent_update"'] as const,
            [`"${payloadKey}"`, payload] as const,
            ...others,
          ];
          const index = place % (rest.length + 1);
          const target = [`"${targetKey}"`, '"al\\u0069ce"'] as const;
          const all = [...rest.slice(0, index), target, ...rest.slice(index)];
          const text = `${before}{${afterComma}${all.map(member).join(`,${afterComma}`)}}${end}`;
          expect(read(text)).toBeNull();
          expect(reader.target).toBe("alice");
          const frame = reader.frame();
          expect(encode(frame).length).toBe(reader.frameBytes);
          const { target_user_id: _, ...expected } = JSON.parse(text) as Record<string, unknown>;
          expect(JSON.parse(frame)).toEqual(expected);
          const squeezed = (value: string): string => value.replaceAll(/[ \n\t]/g, "");
          expect(squeezed(frame)).toBe(squeezed(`{${rest.map(member).join(",")}}`));
          expect(frame).toContain(payload);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("agrees with JSON.parse on whom it is for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (id) => {
        const text = JSON.stringify({ target_user_id: id, type: "t", payload: null });
        const fault = read(text);
        expect(fault).toBe(id === "*" || userIdFault(id) === null ? null : "target_invalid");
        if (fault === null) expect(reader.target).toBe(id);
      }),
    );
  });

  test("may be as large as the limit and not a byte larger", () => {
    const small = new UpdateReader({ maxBytes: 64 });
    const exact = (size: number): Uint8Array => {
      const empty = '{"target_user_id":"a","type":"t","payload":""}';
      return encode(empty.replace('""', `"${"x".repeat(size - empty.length)}"`));
    };
    expect(small.read(exact(64))).toBeNull();
    expect(small.read(exact(65))).toBe("too_large");
  });

  test("nests as deeply as its size allows", () => {
    const payload = "[".repeat(400_000) + "]".repeat(400_000);
    expect(read(`{"target_user_id":"a","type":"t","payload":${payload}}`)).toBeNull();
    expect(reader.frame()).toBe(`{"type":"t","payload":${payload}}`);
  });

  test("without a target goes to everyone only where that was asked for, and only where the field is missing", () => {
    const implicit = new UpdateReader({ maxBytes: 1_024, implicitBroadcast: true });
    expect(implicit.read(encode('{"type":"t","payload":1}'))).toBeNull();
    expect(implicit.target).toBe("*");
    expect(implicit.frame()).toBe('{"type":"t","payload":1}');
    for (const target of ["null", '""', "1", "[]"]) {
      expect(implicit.read(encode(`{"target_user_id":${target},"type":"t","payload":1}`))).toBe(
        "target_invalid",
      );
    }
  });
});

describe("a malformed update", () => {
  const cases: readonly (readonly [string, UpdateFault])[] = [
    ["", "not_json"],
    ["nonsense", "not_json"],
    ['{"target_user_id":"a","type":"t","payload":1', "not_json"],
    ['{"target_user_id":"a","type":"t","payload":1}}', "not_json"],
    ['{"target_user_id":"a","type":"t","payload":01}', "not_json"],
    ["{'target_user_id':'a'}", "not_json"],
    ['\ufeff{"target_user_id":"a","type":"t","payload":1}', "not_json"],
    ["[]", "not_object"],
    ["null", "not_object"],
    ['"text"', "not_object"],
    ["{}", "target_missing"],
    ['{"type":"t","payload":1}', "target_missing"],
    ['{"Target_User_Id":"a","type":"t","payload":1}', "target_missing"],
    ['{"payload":{"target_user_id":"a"},"type":"t"}', "target_missing"],
    ['{"target_user_id":null,"type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":"","type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":7,"type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":["a"],"type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":"a\\u0000b","type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":"a\\u0085b","type":"t","payload":1}', "target_invalid"],
    ['{"target_user_id":"\\ud800","type":"t","payload":1}', "target_invalid"],
    [`{"target_user_id":"${"é".repeat(129)}","type":"t","payload":1}`, "target_invalid"],
    ['{"target_user_id":"a","target_user_id":"a","type":"t","payload":1}', "target_duplicate"],
    ['{"target_user_id":"a","type":"t","target\\u005fuser_id":"*","payload":1}', "target_duplicate"],
    ['{"target_user_id":"a","payload":1}', "type_missing"],
    ['{"target_user_id":"a","type":null,"payload":1}', "type_invalid"],
    ['{"target_user_id":"a","type":"","payload":1}', "type_invalid"],
    [`{"target_user_id":"a","type":"${"t".repeat(129)}","payload":1}`, "type_invalid"],
    ['{"target_user_id":"a","type":"tidings.closing","payload":1}', "type_reserved"],
    ['{"target_user_id":"a","type":"\\u0074idings.closing","payload":1}', "type_reserved"],
    ['{"target_user_id":"a","type":"t","type":"tidings.closing","payload":1}', "type_duplicate"],
    ['{"target_user_id":"a","type":"t"}', "payload_missing"],
  ];
  for (const [text, fault] of cases) {
    test(`${fault}: ${text.length > 80 ? `${text.slice(0, 77)}…` : text}`, () => {
      expect(read(text)).toBe(fault);
    });
  }

  test("is refused where its bytes are not UTF-8", () => {
    const bytes = encode('{"target_user_id":"a","type":"t","payload":"x"}');
    bytes[bytes.length - 3] = 0xff;
    expect(reader.read(bytes)).toBe("not_json");
  });

  test("leaves nothing behind that the next one could show", () => {
    expect(read('{"target_user_id":"alice","type":"t","payload":1}')).toBeNull();
    expect(read('{"target_user_id":"alice"')).toBe("not_json");
    expect(read('{"type":"t","payload":2,"target_user_id":"bob"}')).toBeNull();
    expect(reader.target).toBe("bob");
    expect(reader.frame()).toBe('{"type":"t","payload":2}');
  });
});

describe("the fields that a log reads", () => {
  const fields = (more: string): unknown[] => {
    expect(read(`{"target_user_id":"ann","type":"t","payload":1${more}}`)).toBeNull();
    return [reader.idText, reader.seq, reader.producerText];
  };

  test("are told where they have the form that counts", () => {
    expect(fields(',"id":"a","seq":7,"producer":"p"')).toEqual(['"a"', 7, '"p"']);
    expect(fields(',"id":-12.5e3,"seq":0')).toEqual(["-12.5e3", 0, null]);
    expect(fields(',"seq":9007199254740991,"id":0')).toEqual(["0", 9_007_199_254_740_991, null]);
    expect(fields(',"id":"a","id":"b"')).toEqual(['"b"', null, null]);
  });

  test("are passed on and not counted in any other form", () => {
    expect(fields("")).toEqual([null, null, null]);
    for (const id of ["null", "true", "[1]", "{}", JSON.stringify("x".repeat(255))]) {
      expect(fields(`,"id":${id}`)).toEqual([null, null, null]);
    }
    for (const seq of ["-1", "1.0", "1e3", '"1"', "9007199254740992", "null"]) {
      expect(fields(`,"seq":${seq}`)).toEqual([null, null, null]);
    }
    for (const producer of ["1", "null", JSON.stringify("x".repeat(255))]) {
      expect(fields(`,"producer":${producer}`)).toEqual([null, null, null]);
    }
  });

  test("of one update are forgotten with the next", () => {
    fields(',"id":"a","seq":7,"producer":"p"');
    expect(fields("")).toEqual([null, null, null]);
  });
});

test("an offset becomes the last member, whatever the update ends in", () => {
  for (const [published, sent] of [
    ['{"target_user_id":"ann","type":"t","payload":"}"}', '{"type":"t","payload":"}","offset":"e.1"}'],
    ['{"type":"t","payload":{},"target_user_id":"ann" }\n', '{"type":"t","payload":{} ,"offset":"e.1"}'],
    [
      '{"target_user_id":"ann","type":"t","payload":1,"offset":"mine"}',
      '{"type":"t","payload":1,"offset":"mine","offset":"e.1"}',
    ],
  ] as const) {
    expect(read(published)).toBeNull();
    expect(reader.frameAt("e.1")).toBe(sent);
    expect(reader.frameBytesAt("e.1")).toBe(encode(sent).length);
  }
});
