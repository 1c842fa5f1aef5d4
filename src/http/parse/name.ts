/** Names of accounts: 1–128 of [A-Za-z0-9._:/@+-]; no empty, `.` or `..` segment, no slash at either end. */
import { RequestProblem } from '../types.js';

export const NAME_LENGTH_MAX = 128;

/** By character code: 1 where it may stand in a segment of a name. */
export const NAME_CHARACTERS: Uint8Array = new Uint8Array(128);
for (const c of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@+-')
  NAME_CHARACTERS[c.charCodeAt(0)] = 1;

const SLASH = 0x2f;

/** What is wrong with an account's name, or null. */
export function accountNameFault(name: string): string | null {
  if (name.length === 0 || name.length > NAME_LENGTH_MAX) return `A name has 1 to ${NAME_LENGTH_MAX} characters.`;
  let segment = 0;
  for (let i = 0; i <= name.length; i++) {
    const c = i === name.length ? SLASH : name.charCodeAt(i);
    if (c !== SLASH) {
      if (NAME_CHARACTERS[c] !== 1) return 'A name is of letters, digits and . _ : / @ + - only.';
      continue;
    }
    if (i === segment) return 'A name neither begins nor ends with a slash, and has no two of them together.';
    if (isDots(name, segment, i)) return 'No segment of a name is "." or "..".';
    segment = i + 1;
  }
  return null;
}

function isDots(name: string, start: number, end: number): boolean {
  return end - start <= 2 && name.charCodeAt(start) === 0x2e && name.charCodeAt(end - 1) === 0x2e;
}

/**
 * An account's name from a path segment as it was sent, percent-encoded.
 * @throws RequestProblem `unknown_account`: no account can have such a name
 */
export function parseAccountSegment(segment: string): string {
  let name: string;
  try {
    name = decodeURIComponent(segment);
  } catch {
    throw new RequestProblem('unknown_account', 'The name in the path is not percent-encoded UTF-8.');
  }
  const fault = accountNameFault(name);
  if (fault !== null) throw new RequestProblem('unknown_account', `No account can have the name in the path. ${fault}`);
  return name;
}
