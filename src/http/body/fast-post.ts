/**
 * The hot shape: a posting of one leg in JSON, alone or as an item of an independent batch, read straight from its bytes
 * into numbers that say where its parts stand. It takes a part of what `readJson` and `parsePost` or `parseBatch` take,
 * and means exactly what they mean; whatever it does not know at once, they decide.
 *
 * Tricks, and what they buy: one pass over the bytes that makes nothing, no strings and no objects (the strict way makes
 * about twenty objects a posting); zeros behind the body, which no loop takes for anything, so that none looks for the
 * end; the place in the bytes is a variable of the module, so that steps return offsets without allocating.
 * Not reentrant, and need not be: it never calls out but to the currency table.
 */
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import { BATCH_ITEMS_MAX } from '../parse/batch.js';
import type { ParseContext } from '../parse/context.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { KEY_LENGTH_MAX } from '../parse/headers.js';
import { NAME_CHARACTERS, NAME_LENGTH_MAX } from '../parse/name.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import { keysDiffer } from './distinct-keys.js';
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
const TWO_32 = 2 ** 32;

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

let bytes: Uint8Array = new Uint8Array(1);
let at = 0;
let fields: Int32Array = new Int32Array(PLAIN_WORDS);
let row = 0;
/** Where the quote of the last string stands. */
let stringStart = 0;
/** Where the last number stands; its end is `at`. */
let integerStart = 0;
let seen = 0;
// The currency that was named last: most postings name the one of the posting before.
let lastContext: ParseContext | null = null;
let lastCode = '';
let lastCurrency = 0;

/** @returns false whenever anything is unusual: then `readJson` and `parsePost` decide */
export function readFastPost(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  if (body.length > BODY_BYTES_MAX) return false;
  begin(body, into);
  return posting(ALONE, into, context) && atEnd(body.length);
}

/**
 * `{"transactions":[…]}` of postings of the hot shape, each with a key that no other has.
 * @returns false whenever anything is unusual anywhere: then `readJson` and `parseBatch` decide about the whole
 */
export function readFastBatch(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  begin(body, into);
  if (!take(OPEN_BRACE)) return false;
  const frameEnd = string();
  if (frameEnd - stringStart !== 13 || !same(stringStart + 1, 'transactions')) return false;
  if (!take(COLON) || !take(OPEN_BRACKET)) return false;
  do {
    if (into.count === BATCH_ITEMS_MAX || !posting(ITEM, into, context)) return false;
  } while (take(COMMA));
  return take(CLOSE_BRACKET) && take(CLOSE_BRACE) && atEnd(body.length) && keysDiffer(into);
}

function begin(body: Uint8Array, into: PlainPosts): void {
  into.load(body);
  bytes = into.bytes;
  at = 0;
}

function atEnd(length: number): boolean {
  skip();
  return at === length;
}

/** Reads an object with fields of `allowed` into a new row. */
function posting(allowed: number, into: PlainPosts, context: ParseContext): boolean {
  if (!take(OPEN_BRACE)) return false;
  row = into.add();
  fields = into.fields;
  fields[row + Plain.flags] = 0;
  fields[row + Plain.keyLength] = 0;
  fields[row + Plain.referenceStart] = -1;
  fields[row + Plain.referenceLength] = 0;
  fields[row + Plain.descriptionStart] = -1;
  fields[row + Plain.descriptionLength] = 0;
  fields[row + Plain.expiresIn] = 0;
  seen = 0;
  for (;;) {
    const end = string();
    if (end < 0 || !take(COLON)) return false;
    const field = fieldOf(stringStart + 1, end) & allowed & ~seen;
    if (field === 0) return false;
    seen |= field;
    if (!value(field)) return false;
    if (take(COMMA)) continue;
    return take(CLOSE_BRACE) && whole(allowed) && legIsOne(context);
  }
}

/** It has legs and, as an item, a key; only a hold expires. */
function whole(allowed: number): boolean {
  if ((seen & LEGS) === 0 || (allowed === ITEM && (seen & KEY) === 0)) return false;
  return fields[row + Plain.expiresIn] === 0 || ((fields[row + Plain.flags] ?? 0) & PlainFlag.pending) !== 0;
}

function value(field: number): boolean {
  switch (field) {
    case LEGS:
      return legs();
    case OPEN:
      if (!word('true')) return false;
      fields[row + Plain.flags] = (fields[row + Plain.flags] ?? 0) | PlainFlag.openAccounts;
      return true;
    case KEY:
      return text(Plain.keyStart, 1, KEY_LENGTH_MAX);
    case REFERENCE:
      return text(Plain.referenceStart, 1, REFERENCE_LENGTH_MAX);
    case DESCRIPTION:
      return text(Plain.descriptionStart, 0, DESCRIPTION_LENGTH_MAX);
    case PENDING:
      if (word('false')) return true;
      fields[row + Plain.flags] = (fields[row + Plain.flags] ?? 0) | PlainFlag.pending;
      return word('true');
    default: {
      const seconds = integer();
      fields[row + Plain.expiresIn] = seconds;
      return seconds >= 1 && seconds <= EXPIRES_IN_SECONDS_MAX;
    }
  }
}

/** Reads a string of a length within the bounds into the pair of numbers at `place`. */
function text(place: number, lengthMin: number, lengthMax: number): boolean {
  const end = string();
  const start = stringStart + 1;
  fields[row + place] = start;
  fields[row + place + 1] = end - start;
  return end - start >= lengthMin && end - start <= lengthMax;
}

/** Its currency is known and its accounts are two. */
function legIsOne(context: ParseContext): boolean {
  const start = fields[row + Plain.currencyStart] ?? 0;
  const length = fields[row + Plain.currencyLength] ?? 0;
  if (context !== lastContext || length !== lastCode.length || !same(start, lastCode)) {
    const code = asciiText(bytes, start, start + length);
    const currency = context.currency(code);
    if (currency === undefined) return false;
    lastContext = context;
    lastCode = code;
    lastCurrency = currency;
  }
  fields[row + Plain.currency] = lastCurrency;
  const nameLength = fields[row + Plain.debitLength] ?? 0;
  if (nameLength !== fields[row + Plain.creditLength]) return true;
  const debit = fields[row + Plain.debitStart] ?? 0;
  const credit = fields[row + Plain.creditStart] ?? 0;
  // From the end, where most names differ.
  for (let i = nameLength - 1; i >= 0; i--) if (bytes[debit + i] !== bytes[credit + i]) return true;
  return false;
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
  const start = at - 1;
  let found = 0;
  for (;;) {
    const keyEnd = string();
    if (keyEnd < 0 || !take(COLON)) return false;
    const key = legKeyOf(stringStart + 1, keyEnd);
    if (key === 0 || (found & key) !== 0) return false;
    found |= key;
    if (!legValue(key)) return false;
    if (take(COMMA)) continue;
    if (!take(CLOSE_BRACE) || found !== WHOLE_LEG) return false;
    noteSpelling(start, at);
    return take(CLOSE_BRACKET);
  }
}

/** A leg with its fields in the order of an answer and nothing between them, as most programs write it, is copied whole. */
function noteSpelling(start: number, end: number): void {
  const debit = fields[row + Plain.debitStart] ?? 0;
  const credit = fields[row + Plain.creditStart] ?? 0;
  const amount = fields[row + Plain.amountStart] ?? 0;
  const currency = fields[row + Plain.currencyStart] ?? 0;
  // Each distance is the least there can be, and that only in this order.
  const asAnswered =
    debit - start === 10 && // {"debit":"
    credit - debit - (fields[row + Plain.debitLength] ?? 0) === 12 && // ","credit":"
    amount - credit - (fields[row + Plain.creditLength] ?? 0) === 11 && // ","amount":
    currency - amount - (fields[row + Plain.amountLength] ?? 0) === 13 && // ,"currency":"
    end - currency - (fields[row + Plain.currencyLength] ?? 0) === 2; // "}
  fields[row + Plain.legStart] = start;
  fields[row + Plain.legLength] = asAnswered ? end - start : 0;
}

function legValue(key: number): boolean {
  switch (key) {
    case AMOUNT: {
      const amount = integer();
      if (amount < 1) return false;
      fields[row + Plain.amountStart] = integerStart;
      fields[row + Plain.amountLength] = at - integerStart;
      fields[row + Plain.amountLow] = amount;
      fields[row + Plain.amountHigh] = amount / TWO_32;
      return true;
    }
    case CURRENCY:
      return text(Plain.currencyStart, 0, bytes.length);
    default:
      return name(key === DEBIT ? Plain.debitStart : Plain.creditStart);
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

function same(start: number, expected: string): boolean {
  const all = bytes;
  for (let i = 0; i < expected.length; i++) if (all[start + i] !== expected.charCodeAt(i)) return false;
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
  if (bytes[at] !== byte) {
    skip();
    if (bytes[at] !== byte) return false;
  }
  at++;
  return true;
}

function word(expected: string): boolean {
  skip();
  if (!same(at, expected)) return false;
  at += expected.length;
  return true;
}

/** Reads a string of printable ASCII without escapes; returns its end (its quote stands at stringStart), or −1. */
function string(): number {
  if (!take(QUOTE)) return -1;
  const all = bytes;
  stringStart = at - 1;
  for (let i = at; ; i++) {
    const c = all[i] as number; // the zero behind the body ends the loop
    if (c === QUOTE) {
      at = i + 1;
      return i;
    }
    if (c < SPACE || c >= DELETE || c === BACKSLASH) return -1;
  }
}

/** Reads an account's name like {@link string}. Names with a segment that begins with a dot are left to the strict way. */
function name(place: number): boolean {
  if (!take(QUOTE)) return false;
  const all = bytes;
  const start = at;
  let before = SLASH;
  for (let i = start; ; i++) {
    const c = all[i] as number; // the zero behind the body ends the loop
    if (c === QUOTE) {
      at = i + 1;
      fields[row + place] = start;
      fields[row + place + 1] = i - start;
      return before !== SLASH && i - start <= NAME_LENGTH_MAX;
    }
    if (c === SLASH || c === DOT) {
      if (before === SLASH) return false;
    } else if (NAME_CHARACTERS[c] !== 1) return false;
    before = c;
  }
}

/** Reads a positive integer of at most 15 digits; −1 where there is none. What must follow it, the caller sees. */
function integer(): number {
  skip();
  const all = bytes;
  const start = at;
  let value = 0;
  let i = start;
  for (; ; i++) {
    const digit = (all[i] as number) - ZERO; // the zero behind the body ends the loop
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  at = i;
  integerStart = start;
  const digits = i - start;
  return digits === 0 || digits > SAFE_DIGITS || all[start] === ZERO ? -1 : value;
}
