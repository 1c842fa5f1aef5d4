/** How values of Postgres come back: exact, and as plain as they can be. Shared by the servers' driver and PGlite. */

/** OIDs of the types that are not left to the driver. */
export const Oid = {
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  json: 114,
  int8Array: 1016,
  timestamptz: 1184,
  jsonb: 3802,
} as const;

/** "2026-01-02 03:04:05.678901+00" as µs since 1970; the session's time zone is UTC and its DateStyle ISO. */
export function parseTimestamp(text: string): number {
  const match = /^(\d{4,6})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?\+00$/.exec(text);
  if (match === null) {
    if (text === 'infinity') return Number.POSITIVE_INFINITY;
    if (text === '-infinity') return Number.NEGATIVE_INFINITY;
    throw new Error(`not a time in UTC: ${text}`);
  }
  const [, year, month, day, hour, minute, second, fraction] = match;
  // Date.UTC takes the years 0 to 99 for 1900 to 1999; no such time is ever stored.
  const seconds =
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
  return seconds * 1_000_000 + Number((fraction ?? '').padEnd(6, '0'));
}

export function parseInt8Array(text: string): bigint[] {
  return text === '{}' ? [] : text.slice(1, -1).split(',').map(BigInt);
}

export const parseText = (text: string): string => text;

/** "\x…" */
export const parseBytea = (text: string): Uint8Array => Buffer.from(text.slice(2), 'hex');

export const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [Oid.bytea]: parseBytea,
  [Oid.int8]: BigInt,
  [Oid.json]: parseText,
  [Oid.jsonb]: parseText,
  [Oid.int8Array]: parseInt8Array,
  [Oid.timestamptz]: parseTimestamp,
};
