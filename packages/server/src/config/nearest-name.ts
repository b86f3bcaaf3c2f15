/** How many letters are wrong, missing, too many or swapped with a neighbour between two names. */
function distance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      current[column] = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped && row > 1 && column > 1 ? (beforeLast[column - 2] ?? 0) + 1 : Infinity,
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

/** The name that was probably meant, or null where none is near. */
function nearestName(wrong: string, names: Iterable<string>): string | null {
  const limit = Math.max(2, Math.floor(wrong.length / 3));
  let best: { name: string; away: number } | null = null;
  for (const name of names) {
    // Cut: a wrong name comes from outside and may be of any length.
    const away = distance(wrong.slice(0, 64).toLowerCase(), name.toLowerCase());
    if (away <= limit && (best === null || away < best.away)) best = { name, away };
  }
  return best?.name ?? null;
}

/** `; did you mean X?` where a near name exists, else nothing. */
export function suggestion(wrong: string, names: Iterable<string>): string {
  const near = nearestName(wrong, names);
  return near === null ? "" : `; did you mean ${near}?`;
}
