import { createHmac } from "node:crypto";

/** Who an update is for: one user, or everyone. */
export type Audience = "user" | "everyone";

/** The number that stands for a user in a sample, which the generator replaces. */
const USER = "1987654";
const COUNT = "1876543210";
const TIME = "1765432109876";
/** Stands in a sample for bytes at its end that nobody knows beforehand, such as an offset. */
export const ANYTHING = "<anything>";

const TOKEN_SECONDS = 86_400;
const FIRST_ID = 1_000_000;

/** The id of a user by index, from 1 on. All ids are equally long. */
export function userId(index: number): string {
  return `user-${FIRST_ID + index}`;
}

/** The user that samples are about. */
export const SAMPLE_USER: string = `user-${USER}`;

/** The payload of every update and message, as a sample; `bytes` long altogether. */
export function samplePayload(bytes: number): string {
  const empty = `{"user":"${SAMPLE_USER}","n":"${COUNT}","at":"${TIME}","text":""}`;
  return empty.replace('""}', `"${"t".repeat(Math.max(0, bytes - empty.length))}"}`);
}

/** An update as a worker publishes it, as a sample. */
export function sampleUpdate(audience: Audience, payload: string): string {
  const target = audience === "everyone" ? "*" : SAMPLE_USER;
  return `{"target_user_id":"${target}","type":"bench","payload":${payload}}`;
}

/** A command as Redis reads it. */
export function redisCommand(...parts: readonly (string | Uint8Array)[]): Buffer {
  const bytes = parts.map((part) => Buffer.from(part));
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...bytes.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]),
  ]);
}

/** A sample in the words of the generator: its bytes, and where in them the numbers stand. */
export function templateOf(sample: string | Uint8Array): string {
  const text = Buffer.from(sample).toString("latin1");
  const parts = text.split(new RegExp(`(${USER}|${COUNT}|${TIME}|${ANYTHING})`));
  const slots: Readonly<Record<string, string>> = { [USER]: "u", [COUNT]: "n", [TIME]: "t", [ANYTHING]: "*" };
  return parts
    .filter((part) => part !== "")
    .map((part) => slots[part] ?? `c${Buffer.from(part, "latin1").toString("hex")}`)
    .join(",");
}

/** An HS256 token that is good for a day. All tokens of one secret are equally long. */
export function tokenFor(user: string, secret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + TOKEN_SECONDS;
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ sub: user, exp })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}
