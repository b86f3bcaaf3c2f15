/** A line that says nothing, to show that the stream lives. */
export const HEARTBEAT_TEXT = ":\n\n";

const LINE_BREAK = /[\r\n]/;
const LINE_BREAKS = /\r\n|\r|\n/g;

/**
 * One frame as an event of a stream (WHATWG HTML, 9.2.6), `id` being what a client gives back as `Last-Event-ID`. Line
 * breaks stand between the tokens of JSON only; there each begins another `data` line, which a client joins again by a line
 * feed: it gets the same JSON value, and the same text where all line breaks were line feeds.
 */
export function eventText(frame: string, id: string | null): string {
  const data = LINE_BREAK.test(frame) ? frame.replace(LINE_BREAKS, "\ndata: ") : frame;
  return id === null ? `data: ${data}\n\n` : `id: ${id}\ndata: ${data}\n\n`;
}

/** How long a client is to wait before it comes back, in milliseconds. It goes before an event, or stands alone. */
export function retryText(milliseconds: number): string {
  return `retry: ${milliseconds}\n`;
}
