/** Takes an error of the application's own code, which must not stop the rest: the page hears of it as uncaught. */
export function report(error: unknown): void {
  setTimeout(() => {
    throw error;
  });
}

/** Runs the application's own code. */
export function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    report(error);
  }
}
