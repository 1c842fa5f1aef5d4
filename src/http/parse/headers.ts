/** Request headers that carry a part of the command. */
import { RequestProblem } from '../types.js';

export const KEY_LENGTH_MAX = 255;

/** 1–255 printable ASCII characters. */
export function isIdempotencyKey(key: string): boolean {
  return key.length <= KEY_LENGTH_MAX && /^[\x20-\x7e]+$/.test(key);
}

/**
 * The key in an Idempotency-Key header: quoted (a string of RFC 9651, as the IETF draft has it) or bare, both the same.
 * @param header the field's value; empty or undefined where it was not sent
 * @throws RequestProblem `key_missing`, `key_invalid`
 */
export function parseIdempotencyKey(header: string | undefined): string {
  if (header === undefined || header === '') {
    throw new RequestProblem('key_missing', 'Every request that writes carries an Idempotency-Key.');
  }
  const key = header.startsWith('"') ? unquote(header) : header;
  if (key !== null && isIdempotencyKey(key)) return key;
  throw new RequestProblem(
    'key_invalid',
    'The Idempotency-Key is 1 to 255 printable ASCII characters, bare or as a quoted string.',
  );
}

/** A string of RFC 9651: within quotes, only \" and \\ are escapes. Null where it is not one. */
function unquote(header: string): string | null {
  if (!/^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/.test(header)) return null;
  return header.slice(1, -1).replace(/\\(.)/g, '$1');
}

/**
 * The `config_version` that an If-Match header names ("7" or 7); undefined for `*`, or where it was not sent.
 * @throws RequestProblem `invalid_field`
 */
export function parseIfMatch(header: string | undefined): number | undefined {
  if (header === undefined || header === '' || header === '*') return undefined;
  const digits = /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(header);
  if (digits === null) throw new RequestProblem('invalid_field', 'If-Match is one config_version, like "7", or *.');
  return Number(digits[1] ?? digits[2]);
}
