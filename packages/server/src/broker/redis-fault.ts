import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  ErrorReply,
  SocketClosedUnexpectedlyError,
} from "@redis/client";

/** What Redis said, by the first word of its error replies. */
const replies: Readonly<Record<string, string>> = {
  WRONGPASS: "authentication failed: Redis refused the user name or password (WRONGPASS)",
  NOAUTH: "authentication failed: Redis asks for a password and none is set (NOAUTH)",
  NOPERM: "the Redis user lacks a permission (NOPERM)",
  LOADING: "Redis is still loading its data (LOADING)",
  NOPROTO: "Redis does not speak RESP3: version 6 or newer is needed (NOPROTO)",
  OOM: "Redis is out of memory (OOM)",
  MISCONF: "Redis cannot write to its disk (MISCONF)",
  NOREPLICAS: "Redis takes no writes, since it has fewer replicas than min-replicas-to-write (NOREPLICAS)",
  MOVED: "this Redis is a node of a cluster, which a relay cannot use (MOVED)",
  CLUSTERDOWN: "this Redis is a node of a cluster, which a relay cannot use (CLUSTERDOWN)",
  MASTERDOWN: "this Redis is a replica that has lost its primary (MASTERDOWN)",
  BUSY: "a script keeps Redis busy (BUSY)",
  READONLY: "this Redis is a replica and takes no writes (READONLY)",
  EXECABORT: "Redis refused a message of the transaction (EXECABORT)",
};

const untrusted =
  "no authority that this machine trusts vouches for the certificate of Redis; NODE_EXTRA_CA_CERTS adds one";

/** What the operating system or TLS said, by error code. */
const codes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens at the address of Redis",
  ECONNRESET: "the connection to Redis was reset",
  EPIPE: "the connection to Redis broke",
  ETIMEDOUT: "the connection to Redis timed out",
  ENOTFOUND: "the host name of Redis is unknown",
  EAI_AGAIN: "the host name of Redis cannot be looked up at the moment",
  EHOSTUNREACH: "the host of Redis cannot be reached",
  ENETUNREACH: "the network of Redis cannot be reached",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate of Redis is for another host name",
  CERT_HAS_EXPIRED: "the certificate of Redis has expired",
  CERT_NOT_YET_VALID: "the certificate of Redis does not hold yet",
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_SSL_WRONG_VERSION_NUMBER: "what listens at the address of Redis does not speak TLS",
};

/** What commands are rejected with when their connection is destroyed from this side, or was before. */
const errorsOfOwnMaking = [ClientClosedError, ClientOfflineError, DisconnectsClientError];

/**
 * One sentence on why a connection to Redis failed, fit for `/readyz`: no address, no credentials, no
 * payload.
 */
export function describeFault(error: unknown): string {
  if (error instanceof ErrorReply) return describeReply(error.message);
  if (error instanceof ConnectionTimeoutError) return "the connection to Redis timed out";
  if (error instanceof SocketClosedUnexpectedlyError) return "Redis closed the connection";
  if (errorsOfOwnMaking.some((kind) => error instanceof kind)) return "the connection to Redis was given up";
  const code = codeOf(error);
  if (code === null) return "what listens at the address of Redis does not speak its protocol";
  return `${codes[code] ?? "the connection to Redis failed"} (${code})`;
}

/** Whether Redis answered, and refused. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ErrorReply;
}

/** Errors with which Redis turns a command away before it does anything of it. */
const undone = [
  "OOM",
  "MISCONF",
  "READONLY",
  "NOREPLICAS",
  "NOPERM",
  "NOAUTH",
  "LOADING",
  "BUSY",
  "MASTERDOWN",
  "EXECABORT",
];

/**
 * Whether an error of Redis proves that nothing of the command was done. What was thrown inside of a function proves
 * nothing, since the function may have written before; Redis adds the function's name to it.
 */
export function isUndone(error: unknown): boolean {
  if (!(error instanceof ErrorReply) || / script: \w+, on @/.test(error.message)) return false;
  const { message } = error;
  return (
    message.startsWith("ERR Function not found") || undone.some((word) => message.startsWith(`${word} `))
  );
}

/**
 * Only the first word of a reply is passed on: "unknown command" repeats the arguments of a login, password
 * and all.
 */
function describeReply(message: string): string {
  const word = /^[A-Z]{2,20}\b/.exec(message)?.[0] ?? "ERR";
  if (message.startsWith("ERR unknown command")) return "Redis does not know a command of this relay (ERR)";
  if (message.startsWith("ERR DB index")) return "Redis does not have the database that the URL names (ERR)";
  return replies[word] ?? `Redis answered with an error (${word})`;
}

/** `Bun.connect` keeps what TLS found wrong for the message, where `node:tls` makes a code of it. */
const TLS_FAULT = /^error:[0-9a-f]+:SSL routines:\w*:(?<reason>\w+)$/;

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  if (typeof error.code !== "string" || !/^\w+$/.test(error.code)) return null;
  const reason = error.code === "EPROTO" ? TLS_FAULT.exec(error.message)?.groups?.["reason"] : undefined;
  return reason === undefined ? error.code : `ERR_SSL_${reason}`;
}
