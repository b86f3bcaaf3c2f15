import { describe, expect, test } from "bun:test";
import { ConnectionTimeoutError, SimpleError, SocketClosedUnexpectedlyError } from "@redis/client";
import { describeFault, isUndone } from "./redis-fault.ts";

describe("describeFault", () => {
  test("names the error of Redis that an operator has to mend", () => {
    expect(describeFault(new SimpleError("WRONGPASS invalid username-password pair"))).toContain("WRONGPASS");
    expect(describeFault(new SimpleError("NOAUTH Authentication required."))).toContain("NOAUTH");
    expect(describeFault(new SimpleError("NOPERM this user has no permissions"))).toContain("NOPERM");
    expect(describeFault(new SimpleError("LOADING Redis is loading the dataset"))).toContain("LOADING");
    expect(describeFault(new SimpleError("MISCONF Redis is configured to"))).toContain("MISCONF");
  });

  test("never repeats what Redis repeats of a login", () => {
    const echo = "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'sesame'";
    expect(describeFault(new SimpleError(echo))).toBe("Redis does not know a command of this relay (ERR)");
    expect(describeFault(new SimpleError("ERR invalid password 'sesame'"))).not.toContain("sesame");
  });

  test("never repeats an address", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:6379"), { code: "ECONNREFUSED" });
    expect(describeFault(refused)).toBe("nothing listens at the address of Redis (ECONNREFUSED)");
    const unknown = Object.assign(new Error("10.0.0.1 went away"), { code: "EWHATEVER" });
    expect(describeFault(unknown)).toBe("the connection to Redis failed (EWHATEVER)");
  });

  test("names the same fault of TLS whichever way of connecting met it", () => {
    const message = "error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER";
    const [byNode, byBun] = ["ERR_SSL_WRONG_VERSION_NUMBER", "EPROTO"].map((code) =>
      describeFault(Object.assign(new Error(message), { code })),
    );
    expect(byBun).toContain("does not speak TLS");
    expect(byBun).toBe(byNode);
    const other = Object.assign(new Error("write EPROTO 10.0.0.1:6379"), { code: "EPROTO" });
    expect(describeFault(other)).toBe("the connection to Redis failed (EPROTO)");
  });

  test("tells a closed, a slow and a wrong server apart", () => {
    const sentences = [
      new SocketClosedUnexpectedlyError(),
      new ConnectionTimeoutError(),
      new Error("Unknown RESP type 83"),
    ];
    expect(new Set(sentences.map(describeFault)).size).toBe(3);
  });
});

describe("isUndone", () => {
  test("is true of what Redis turns away before it begins, and of nothing that a function threw", () => {
    for (const refusal of [
      "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'",
      "READONLY You can't write against a read only replica.",
      "NOREPLICAS Not enough good replicas to write.",
      "NOPERM this user has no permissions to run the 'fcall' command",
      "ERR Function not found",
    ]) {
      expect(isUndone(new SimpleError(refusal))).toBe(true);
    }
    for (const doubt of [
      "WRONGTYPE Operation against a key holding the wrong kind of value script: tidings_append, on @user_function:9.",
      "OOM command not allowed when used memory > 'maxmemory'. script: tidings_append, on @user_function:9.",
      "ERR tidings: usage: two keys",
    ]) {
      expect(isUndone(new SimpleError(doubt))).toBe(false);
    }
    expect(isUndone(new SocketClosedUnexpectedlyError())).toBe(false);
  });
});
