/** The Redis whose protocol and wording this server follows, and which it names to clients that ask. */
export const COMPATIBLE_REDIS_VERSION = "7.2.0";
