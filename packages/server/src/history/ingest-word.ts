/** The channel on which relays tell each other who appends what plain `PUBLISH` brings. */
export const INGEST_CHANNEL = "tidings:ingest";

/**
 * What a relay says there.
 *
 * Each update is stored at most once because every change of holder has a place among the updates. Redis delivers all
 * channels of a connection in one order, so a word on `tidings:ingest` stands at the same place for every relay:
 *
 * - `holding`, said by a relay that has got the lease: it appends what it hears after its own word, and nothing before
 *   it that others may have appended. By then the lease of the holder before has run out or been given back, so the log
 *   refuses that one's late appends. All others forget what they kept; one that believes to hold does once the log has
 *   confirmed that it does not, and appends nothing until then.
 * - `yielding`, said by a holder that leaves: it appends what it hears before its own word and nothing after it. From
 *   that place on the others keep what they hear, and the next holder appends what it kept. So nothing is lost.
 * - `released`, said when all of that is stored and the lease is given back: the others ask for it at once. Where an
 *   append was not answered, the lease is left to run out instead, since the log may be about to carry that append out.
 * - `joining`, said by a relay that does not know who holds: the holder says `holding` again. Only the holder that a relay
 *   knows can yield to it, since one that was frozen may be mistaken.
 *
 * A server's channels are heard in all of its databases, so a word has a scope: only relays of the same database and the
 * same channel of updates share a lease.
 */
export interface IngestWord {
  readonly verb: "holding" | "yielding" | "released" | "joining";
  readonly relay_id: string;
  /** Whose affair it is, as {@link ingestScope} writes it: a server's channels are heard in all of its databases. */
  readonly scope: string;
  /** With `holding`: tells one claim of a relay from its others. */
  readonly claim?: number;
}

/** What relays have in common that share one lease: the database of the logs and the channel of plain `PUBLISH`. */
export interface IngestScope {
  readonly database: number;
  readonly channel: string;
}

/** `<database>/<channel>`. */
export function ingestScope({ database, channel }: IngestScope): string {
  return `${database}/${channel}`;
}

/** The word that a message holds, or null where it is none, such as a newer relay's. */
export function parseIngestWord(message: Uint8Array): IngestWord | null {
  try {
    const word: unknown = JSON.parse(new TextDecoder().decode(message));
    return isIngestWord(word) ? word : null;
  } catch {
    return null;
  }
}

const isIngestWord = (word: unknown): word is IngestWord =>
  typeof word === "object" &&
  word !== null &&
  "relay_id" in word &&
  typeof word.relay_id === "string" &&
  "scope" in word &&
  typeof word.scope === "string" &&
  "verb" in word &&
  (word.verb === "yielding" ||
    word.verb === "released" ||
    word.verb === "joining" ||
    (word.verb === "holding" && "claim" in word && typeof word.claim === "number"));
