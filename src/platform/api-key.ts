/**
 * API keys: `mr_<env>_<id>_<secret>`. The id names the key in lists and logs; only the SHA-256 of the whole token is
 * ever stored. A secret holds 160 random bits, so a plain fast hash of it cannot be searched.
 */
import { createHash, randomBytes } from 'node:crypto';

export type KeyEnvironment = 'test' | 'live';

const API_KEY_ID_LENGTH = 12;
const API_KEY_SECRET_LENGTH = 32;

/** Crockford's alphabet, lower case: no letter that is taken for a digit. Its 32 signs divide 256, so no bias. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TOKEN = /^mr_(test|live)_([0-9a-hjkmnp-tv-z]{12})_([0-9a-hjkmnp-tv-z]{32,64})$/;

export interface NewApiKey {
  /** Shown once, never stored. */
  readonly token: string;
  readonly id: string;
  /** SHA-256 of the token, hex. */
  readonly hash: string;
}

export interface ApiKeyParts {
  readonly environment: KeyEnvironment;
  readonly id: string;
}

export function createApiKey(environment: KeyEnvironment): NewApiKey {
  const id = randomText(API_KEY_ID_LENGTH);
  const token = `mr_${environment}_${id}_${randomText(API_KEY_SECRET_LENGTH)}`;
  return { token, id, hash: hashApiKey(token) };
}

/** SHA-256 of the token, hex: what is stored. */
export function hashApiKey(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The parts that are not secret; null where the text is not of the form of a key. */
export function parseApiKey(token: string): ApiKeyParts | null {
  const match = TOKEN.exec(token);
  if (match === null) return null;
  return { environment: match[1] === 'live' ? 'live' : 'test', id: match[2] ?? '' };
}

function randomText(length: number): string {
  let text = '';
  for (const byte of randomBytes(length)) text += ALPHABET[byte & 31];
  return text;
}
