/** The channel on which relays tell each other who appends what plain `PUBLISH` brings. */
export const INGEST_CHANNEL = "tidings:ingest";

/** What a relay says there; {@link LogIngest} has the meaning. */
export interface IngestWord {
  readonly verb: "holding" | "yielding" | "released" | "joining";
  readonly relay_id: string;
  /** With `holding`: tells one claim of a relay from its others. */
  readonly claim?: number;
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
  "verb" in word &&
  (word.verb === "yielding" ||
    word.verb === "released" ||
    word.verb === "joining" ||
    (word.verb === "holding" && "claim" in word && typeof word.claim === "number"));
