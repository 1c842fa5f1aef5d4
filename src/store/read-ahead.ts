/**
 * Slices of something long, one after the other: each is asked for while the one before it is looked at, so that the
 * database and this thread work at the same time. No more than two are in memory.
 *
 * @param read the slice after the one before (null: the first one); null where there is none
 */
export async function* readAhead<Slice>(
  read: (before: Slice | null) => Promise<Slice> | null,
): AsyncGenerator<Slice, void, undefined> {
  for (let next = read(null); next !== null; ) {
    const slice = await next;
    next = read(slice);
    // Where the one before it is not as it should be, nobody waits for this one.
    next?.catch(() => undefined);
    yield slice;
  }
}

/** As {@link readAhead}, of the numbers from `first` to `last`, so many a slice. @param read both ends included */
export function readRanges<Slice>(
  first: number,
  last: number,
  size: number,
  read: (from: number, upTo: number) => Promise<Slice>,
): AsyncGenerator<Slice, void, undefined> {
  let next = first;
  return readAhead(() => {
    if (next > last) return null;
    const from = next;
    next += size;
    return read(from, Math.min(next - 1, last));
  });
}
