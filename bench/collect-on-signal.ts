// Preloaded into a server under test: on SIGUSR2 it collects all its garbage, so that what is left is what
// it holds.

process.on("SIGUSR2", () => Bun.gc(true));
