/**
 * A posting of the hot shape, read field by field in whatever order they come.
 *
 * The place in the bytes is a variable of the module, so that steps return what they found without allocating. Not
 * reentrant, and need not be: it never calls out.
 */
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { KEY_LENGTH_MAX } from '../parse/headers.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import { Field, fieldOf, ITEM, LegField, legFieldOf, WHOLE_LEG } from './field-names.js';
import { LEG_BEFORE_DEBIT, LEG_BEHIND_CURRENCY } from './posting-shape.js';
import { integerEnd, integerOf, nameEnd, QUOTE, skipSpace, spells, stringEnd } from './scan.js';

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const TWO_32 = 2 ** 32;

let bytes: Uint8Array = new Uint8Array(1);
let at = 0;
let fields: Int32Array = new Int32Array(PLAIN_WORDS);
let row = 0;
/** Where the quote of the last string stands. */
let stringStart = 0;
/** Where the last number stands; its end is `at`. */
let integerStart = 0;
let seen = 0;

/**
 * Reads a posting that stands at `start`, with fields of `allowed` (`ALONE` or `ITEM`), into a row whose
 * numbers say "none" of everything.
 * @returns where it ends; −1 whenever anything is unusual
 */
export function readFields(posts: PlainPosts, postRow: number, start: number, allowed: number): number {
  bytes = posts.bytes;
  fields = posts.fields;
  row = postRow;
  at = start;
  return posting(allowed) ? at : -1;
}

function posting(allowed: number): boolean {
  if (!take(OPEN_BRACE)) return false;
  seen = 0;
  for (;;) {
    const end = string();
    if (end < 0 || !take(COLON)) return false;
    const field = fieldOf(bytes, stringStart + 1, end - stringStart - 1) & allowed & ~seen;
    if (field === 0) return false;
    seen |= field;
    if (!value(field)) return false;
    if (take(COMMA)) continue;
    return take(CLOSE_BRACE) && whole(allowed);
  }
}

/** It has legs and, as an item, a key; only a hold expires. */
function whole(allowed: number): boolean {
  if ((seen & Field.legs) === 0 || (allowed === ITEM && (seen & Field.key) === 0)) return false;
  return fields[row + Plain.expiresIn] === 0 || ((fields[row + Plain.flags] ?? 0) & PlainFlag.pending) !== 0;
}

function value(field: number): boolean {
  switch (field) {
    case Field.legs:
      return legs();
    case Field.openAccounts:
      if (!word('true')) return false;
      fields[row + Plain.flags] = (fields[row + Plain.flags] ?? 0) | PlainFlag.openAccounts;
      return true;
    case Field.key:
      return text(Plain.keyStart, 1, KEY_LENGTH_MAX);
    case Field.reference:
      return text(Plain.referenceStart, 1, REFERENCE_LENGTH_MAX);
    case Field.description:
      return text(Plain.descriptionStart, 0, DESCRIPTION_LENGTH_MAX);
    case Field.pending:
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

/** An array of one leg with its four fields in any order. */
function legs(): boolean {
  if (!take(OPEN_BRACKET) || !take(OPEN_BRACE)) return false;
  const start = at - 1;
  let found = 0;
  for (;;) {
    const keyEnd = string();
    if (keyEnd < 0 || !take(COLON)) return false;
    const key = legFieldOf(bytes, stringStart + 1, keyEnd - stringStart - 1);
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
    debit - start === LEG_BEFORE_DEBIT && // {"debit":"
    credit - debit - (fields[row + Plain.debitLength] ?? 0) === 12 && // ","credit":"
    amount - credit - (fields[row + Plain.creditLength] ?? 0) === 11 && // ","amount":
    currency - amount - (fields[row + Plain.amountLength] ?? 0) === 13 && // ,"currency":"
    end - currency - (fields[row + Plain.currencyLength] ?? 0) === LEG_BEHIND_CURRENCY; // "}
  fields[row + Plain.legStart] = start;
  fields[row + Plain.legLength] = asAnswered ? end - start : 0;
}

function legValue(key: number): boolean {
  switch (key) {
    case LegField.amount: {
      const amount = integer();
      if (amount < 1) return false;
      fields[row + Plain.amountStart] = integerStart;
      fields[row + Plain.amountLength] = at - integerStart;
      fields[row + Plain.amountLow] = amount;
      fields[row + Plain.amountHigh] = amount / TWO_32;
      return true;
    }
    case LegField.currency:
      return text(Plain.currencyStart, 0, bytes.length);
    default:
      return name(key === LegField.debit ? Plain.debitStart : Plain.creditStart);
  }
}

const same = (start: number, expected: string): boolean => spells(bytes, start, expected);

/** Skips white space, and the byte if it comes next. */
function take(byte: number): boolean {
  if (bytes[at] !== byte) {
    at = skipSpace(bytes, at);
    if (bytes[at] !== byte) return false;
  }
  at++;
  return true;
}

function word(expected: string): boolean {
  at = skipSpace(bytes, at);
  if (!same(at, expected)) return false;
  at += expected.length;
  return true;
}

/** Reads a string of printable ASCII without escapes; returns its end (its quote stands at stringStart), or −1. */
function string(): number {
  if (!take(QUOTE)) return -1;
  stringStart = at - 1;
  const end = stringEnd(bytes, at);
  at = end + 1;
  return end;
}

/** Reads an account's name like {@link string}. */
function name(place: number): boolean {
  if (!take(QUOTE)) return false;
  const end = nameEnd(bytes, at);
  fields[row + place] = at;
  fields[row + place + 1] = end - at;
  at = end + 1;
  return end >= 0;
}

/** Reads a positive integer, which stands at `integerStart` then; −1 where there is none. What must follow it, the caller sees. */
function integer(): number {
  at = skipSpace(bytes, at);
  integerStart = at;
  const end = integerEnd(bytes, at);
  if (end < 0) return -1;
  at = end;
  return integerOf(bytes, integerStart, end);
}
