/**
 * The hot shape: a posting of one leg in JSON, alone or as an item of an independent batch, read straight from its bytes
 * into a request. It takes a part of what `readJson` and `parsePost` or `parseBatch` take, and gives exactly what they give; whatever it does not know at once, they decide.
 *
 * Tricks, and what they buy: one pass over the bytes with no Map and no token objects (the strict way makes about
 * twenty objects); one native decode of the whole body, of which all strings are slices (a decode for each string costs
 * about 40 ns); the place in the bytes is a variable of the module, so that steps return offsets without allocating.
 * Not reentrant, and need not be: it never calls out but to the currency table.
 */
import type { PostRequest } from '../../engine/wire/messages.js';
import { BATCH_ITEMS_MAX } from '../parse/batch.js';
import type { ParseContext } from '../parse/context.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { KEY_LENGTH_MAX } from '../parse/headers.js';
import { NAME_CHARACTERS, NAME_LENGTH_MAX } from '../parse/name.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import { asciiText } from './utf8.js';

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const DOT = 0x2e;
const SLASH = 0x2f;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const DELETE = 0x7f;

/** Numbers of up to 15 digits are safe integers. */
const SAFE_DIGITS = 15;
/** Larger bodies are rare, and have parts that only the strict way reads. */
const BODY_BYTES_MAX = 4096;

// Bits of fields that were seen: a second one makes the body unusual.
const LEGS = 1;
const OPEN = 2;
const REFERENCE = 4;
const DESCRIPTION = 8;
const PENDING = 16;
const EXPIRES_IN = 32;
const KEY = 64;
const ALONE = 63;
const ITEM = 127;
const DEBIT = 1;
const CREDIT = 2;
const AMOUNT = 4;
const CURRENCY = 8;
const WHOLE_LEG = 15;

let bytes: Uint8Array = new Uint8Array(0);
let at = 0;
// The string, leg or posting that was read last.
let stringStart = 0;
let seen = 0;
let pending = false;
let expiresInSeconds = 0;
let keyStart = 0;
let keyEnd = 0;
let referenceStart = 0;
let referenceEnd = 0;
let descriptionStart = 0;
let descriptionEnd = 0;
let debitStart = 0;
let debitEnd = 0;
let creditStart = 0;
let creditEnd = 0;
let currencyStart = 0;
let currencyEnd = 0;
let amount = 0;
let lastCode = '';

/** Null whenever anything is unusual: then `readJson` and `parsePost` decide. */
export function readFastPost(body: Uint8Array, context: ParseContext): PostRequest | null {
  if (body.length > BODY_BYTES_MAX) return null;
  begin(body);
  if (!posting(ALONE) || !atEnd()) return null;
  // Every byte of a string was seen to be printable ASCII, and there is nothing else but ASCII between them.
  return request(asciiText(body, 0, body.length), context);
}

/** What an item of an independent batch is, in the words of `BatchItem`. */
export interface FastItem {
  readonly key: string;
  readonly request: PostRequest;
}

/**
 * `{"transactions":[…]}` of postings of the hot shape, each with a key that no other has. Null whenever anything is
 * unusual anywhere: then `readJson` and `parseBatch` decide about the whole.
 */
export function readFastBatch(body: Uint8Array, context: ParseContext): readonly FastItem[] | null {
  begin(body);
  if (!take(OPEN_BRACE)) return null;
  const frameEnd = string();
  if (frameEnd - stringStart !== 13 || !same(stringStart + 1, 'transactions')) return null;
  if (!take(COLON) || !take(OPEN_BRACKET)) return null;
  // Decoded before it was read: bytes beyond ASCII come out wrong, and make the body unusual where they stand.
  const text = asciiText(body, 0, body.length);
  const items: FastItem[] = [];
  const keys = new Set<string>();
  do {
    if (!posting(ITEM)) return null;
    const item = request(text, context);
    if (item === null || items.length === BATCH_ITEMS_MAX) return null;
    const key = text.substring(keyStart, keyEnd);
    items.push({ key, request: item });
    if (keys.add(key).size !== items.length) return null;
  } while (take(COMMA));
  return take(CLOSE_BRACKET) && take(CLOSE_BRACE) && atEnd() ? items : null;
}

function begin(body: Uint8Array): void {
  bytes = body;
  at = 0;
}

function atEnd(): boolean {
  skip();
  return at === bytes.length;
}

/** Reads an object with fields of `allowed`, leaving where they stand in the variables above. */
function posting(allowed: number): boolean {
  if (!take(OPEN_BRACE)) return false;
  seen = 0;
  pending = false;
  expiresInSeconds = 0;
  for (;;) {
    const end = string();
    if (end < 0 || !take(COLON)) return false;
    const field = fieldOf(stringStart + 1, end) & allowed & ~seen;
    if (field === 0) return false;
    seen |= field;
    if (!value(field)) return false;
    if (take(COMMA)) continue;
    return take(CLOSE_BRACE) && (seen & LEGS) !== 0 && (expiresInSeconds === 0 || pending) && hasKey(allowed);
  }
}

function hasKey(allowed: number): boolean {
  return allowed === ALONE || (seen & KEY) !== 0;
}

function value(field: number): boolean {
  switch (field) {
    case LEGS:
      return legs();
    case OPEN:
      return word('true');
    case KEY:
      keyEnd = string();
      keyStart = stringStart + 1;
      return keyEnd > keyStart && keyEnd - keyStart <= KEY_LENGTH_MAX;
    case REFERENCE:
      referenceEnd = string();
      referenceStart = stringStart + 1;
      return referenceEnd > referenceStart && referenceEnd - referenceStart <= REFERENCE_LENGTH_MAX;
    case DESCRIPTION:
      descriptionEnd = string();
      descriptionStart = stringStart + 1;
      return descriptionEnd >= descriptionStart && descriptionEnd - descriptionStart <= DESCRIPTION_LENGTH_MAX;
    case PENDING:
      pending = word('true');
      return pending || word('false');
    default:
      expiresInSeconds = integer();
      return expiresInSeconds >= 1 && expiresInSeconds <= EXPIRES_IN_SECONDS_MAX;
  }
}

/** The posting that was read last, whose strings are slices of `text`; null where its leg is not one. */
function request(text: string, context: ParseContext): PostRequest | null {
  const debit = text.substring(debitStart, debitEnd);
  const credit = text.substring(creditStart, creditEnd);
  // Most postings name the currency of the one before: its string is at hand, with its hash.
  if (currencyEnd - currencyStart !== lastCode.length || !same(currencyStart, lastCode)) {
    lastCode = text.substring(currencyStart, currencyEnd);
  }
  const currency = context.currency(lastCode);
  if (currency === undefined || debit === credit) return null;
  return {
    legs: [{ debit, credit, amount, currency, currencyCode: lastCode }],
    pending,
    expiresIn: expiresInSeconds * 1_000_000,
    effectiveAt: 0,
    openAccounts: (seen & OPEN) !== 0,
    dryRun: false,
    reference: (seen & REFERENCE) === 0 ? null : text.substring(referenceStart, referenceEnd),
    description: (seen & DESCRIPTION) === 0 ? null : text.substring(descriptionStart, descriptionEnd),
    metadata: null,
    extras: null,
  };
}

/** The bit of a field of a posting, or 0. Its length tells most of them apart, then all bytes are compared. */
function fieldOf(start: number, end: number): number {
  switch (end - start) {
    case 4:
      return same(start, 'legs') ? LEGS : 0;
    case 7:
      return same(start, 'pending') ? PENDING : 0;
    case 9:
      return same(start, 'reference') ? REFERENCE : 0;
    case 10:
      return same(start, 'expires_in') ? EXPIRES_IN : 0;
    case 11:
      return same(start, 'description') ? DESCRIPTION : 0;
    case 13:
      return same(start, 'open_accounts') ? OPEN : 0;
    case 15:
      return same(start, 'idempotency_key') ? KEY : 0;
    default:
      return 0;
  }
}

/** An array of one leg with its four fields in any order. */
function legs(): boolean {
  if (!take(OPEN_BRACKET) || !take(OPEN_BRACE)) return false;
  let whole = 0;
  for (;;) {
    const keyEnd = string();
    if (keyEnd < 0 || !take(COLON)) return false;
    const key = legKeyOf(stringStart + 1, keyEnd);
    if (key === 0 || (whole & key) !== 0) return false;
    whole |= key;
    if (key === AMOUNT) {
      amount = integer();
      if (amount < 1) return false;
    } else if (key === CURRENCY) {
      currencyEnd = string();
      currencyStart = stringStart + 1;
      if (currencyEnd < 0) return false;
    } else {
      const end = name();
      if (end < 0) return false;
      if (key === DEBIT) {
        debitStart = stringStart + 1;
        debitEnd = end;
      } else {
        creditStart = stringStart + 1;
        creditEnd = end;
      }
    }
    if (take(COMMA)) continue;
    return take(CLOSE_BRACE) && take(CLOSE_BRACKET) && whole === WHOLE_LEG;
  }
}

function legKeyOf(start: number, end: number): number {
  switch (end - start) {
    case 5:
      return same(start, 'debit') ? DEBIT : 0;
    case 6:
      return same(start, 'credit') ? CREDIT : same(start, 'amount') ? AMOUNT : 0;
    case 8:
      return same(start, 'currency') ? CURRENCY : 0;
    default:
      return 0;
  }
}

function same(start: number, text: string): boolean {
  const all = bytes;
  for (let i = 0; i < text.length; i++) if (all[start + i] !== text.charCodeAt(i)) return false;
  return true;
}

// Loops over bytes run on local copies of `bytes` and `at`: variables of a module are read and stored again at each step.
function skip(): void {
  const all = bytes;
  let i = at;
  let c = all[i];
  while (c === SPACE || c === 0x0a || c === 0x0d || c === 0x09) c = all[++i];
  at = i;
}

/** Skips white space, and the byte if it comes next. */
function take(byte: number): boolean {
  skip();
  if (bytes[at] !== byte) return false;
  at++;
  return true;
}

function word(text: string): boolean {
  skip();
  if (!same(at, text)) return false;
  at += text.length;
  return true;
}

/** Reads a string of printable ASCII without escapes; returns its end (its quote stands at stringStart), or −1. */
function string(): number {
  if (!take(QUOTE)) return -1;
  const all = bytes;
  stringStart = at - 1;
  for (let i = at; i < all.length; i++) {
    const c = all[i] as number; // below length
    if (c === QUOTE) {
      at = i + 1;
      return i;
    }
    if (c < SPACE || c >= DELETE || c === BACKSLASH) return -1;
  }
  return -1;
}

/** Reads an account's name like {@link string}. Names with a segment that begins with a dot are left to the strict way. */
function name(): number {
  if (!take(QUOTE)) return -1;
  const all = bytes;
  const start = at;
  stringStart = start - 1;
  let before = SLASH;
  for (let i = start; i < all.length; i++) {
    const c = all[i] as number; // below length
    if (c === QUOTE) {
      at = i + 1;
      return before !== SLASH && i - start <= NAME_LENGTH_MAX ? i : -1;
    }
    if (c === SLASH || c === DOT) {
      if (before === SLASH) return -1;
    } else if (NAME_CHARACTERS[c] !== 1) return -1;
    before = c;
  }
  return -1;
}

/** Reads a positive integer of at most 15 digits; −1 where there is none. What must follow it, the caller sees. */
function integer(): number {
  skip();
  const all = bytes;
  const start = at;
  let value = 0;
  let i = start;
  for (; i < all.length; i++) {
    const digit = (all[i] as number) - ZERO; // below length
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  at = i;
  const digits = i - start;
  return digits === 0 || digits > SAFE_DIGITS || all[start] === ZERO ? -1 : value;
}
