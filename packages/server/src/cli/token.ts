import { userIdFault } from "@tidings/protocol";
import { SignJWT } from "jose";
import { systemClock } from "../clock.ts";
import { parseDuration } from "../config/quantities.ts";
import { type Command, command } from "./command.ts";
import { CommandFailure, UsageError } from "./failure.ts";

/** Claims that other flags or the clock decide. */
const fixedClaims: ReadonlySet<string> = new Set(["sub", "exp", "iat"]);

/** `tidings token`: a token to try the relay with. */
export const tokenCommand: Command = command({
  name: "token",
  summary: "Print a token for a user, signed with jwt_secret (HS256). For development and tests.",
  usage: "--user <id> [flags]",
  examples: [
    "TIDINGS_JWT_SECRET=… tidings token --user alice",
    "tidings token --user alice --ttl 10m --claim role=admin --config tidings.yaml",
  ],
  args: {
    user: {
      type: "string",
      valueHint: "id",
      description: "The user, which becomes the claim sub. Required.",
    },
    ttl: {
      type: "string",
      valueHint: "duration",
      default: "1h",
      description: "How long it holds. Default 1h.",
    },
    claim: {
      type: "string",
      valueHint: "key=value",
      description: "A further claim, as text. May be given again.",
    },
  },
  settings: ["jwt_secret", "jwt_audience", "jwt_issuer"],
  async run({ args, all, settings: read, terminal }) {
    if (args.user === undefined) throw new UsageError("token needs --user <id>");
    const fault = userIdFault(args.user);
    if (fault !== null) throw new UsageError(`--user: ${fault}`);
    const ttl = parseDuration(args.ttl);
    if (ttl === null || ttl < 1_000)
      throw new UsageError("--ttl is not a duration of a second or more; write 10m or 1h");
    const claims = claimsOf(all("claim"));
    const { jwt_secret: secret, jwt_audience: audience, jwt_issuer: issuer } = read().settings;
    if (secret === undefined) {
      const mend = 'export TIDINGS_JWT_SECRET="$(openssl rand -base64 48)"';
      throw new CommandFailure(`no secret to sign with is set; set the one of your relay: ${mend}`);
    }
    const now = Math.floor(systemClock.wall() / 1_000);
    const token = new SignJWT({
      ...(audience === undefined ? {} : { aud: audience }),
      ...(issuer === undefined ? {} : { iss: issuer }),
      ...claims,
      sub: args.user,
      iat: now,
      exp: now + Math.floor(ttl / 1_000),
    }).setProtectedHeader({ alg: "HS256", typ: "JWT" });
    terminal.out(await token.sign(new TextEncoder().encode(secret)));
    return 0;
  },
});

function claimsOf(written: readonly string[]): Readonly<Record<string, string>> {
  const claims = written.map((text) => {
    const equals = text.indexOf("=");
    const key = text.slice(0, Math.max(equals, 0));
    if (key === "") throw new UsageError("--claim must be key=value");
    if (fixedClaims.has(key)) throw new UsageError(`--claim ${key}=… cannot be given; use --user and --ttl`);
    return [key, text.slice(equals + 1)] as const;
  });
  return Object.fromEntries(claims);
}
