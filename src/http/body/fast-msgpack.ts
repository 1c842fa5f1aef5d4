/**
 * The hot shape in msgpack: a posting of one leg, alone, read straight from its bytes into the numbers that fast-post.ts
 * reads of JSON. It takes a part of what `readMsgpack` and `parsePost` take, and means exactly what they mean; whatever
 * it does not know at once, they decide.
 *
 * The place in the bytes is a variable of the module, so that steps return what they found without allocating. Not
 * reentrant, and need not be: it never calls out. Zeros stand behind the body: as the head of a value a zero is a number,
 * which no field of the shape begins with, so lengths are compared with the body's end and heads are not.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts } from '../../engine/wire/plain-post.js';
import type { ParseContext } from '../parse/context.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import { ALONE, Field, fieldOf, LegField, legFieldOf, WHOLE_LEG } from './field-names.js';
import { legIsOne, setNone } from './plain-row.js';
import { isName, isText } from './scan.js';

const BODY_BYTES_MAX = 4096;
const TWO_32 = 2 ** 32;
/** High halves of safe integers are below it. */
const SAFE_HIGH = 2 ** 21;
/** Heads of unsigned integers in 1, 2, 4 and 8 bytes. */
const FIRST_UNSIGNED = 0xcc;
const LAST_UNSIGNED = 0xcf;
const SIGNED_64 = 0xd3;
const FALSE = 0xc2;
const TRUE = 0xc3;
const LIST_OF_ONE = 0x91;
const MAP_OF_FOUR = 0x84;

let bytes: Uint8Array = new Uint8Array(1);
let view: DataView = new DataView(bytes.buffer);
let end = 0;
let at = 0;
let fields: Int32Array = new Int32Array(PLAIN_WORDS);
let row = 0;
/** Where the last string stands. */
let stringStart = 0;

/** @returns false whenever anything is unusual: then `readMsgpack` and `parsePost` decide */
export function readFastMsgpack(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  if (body.length > BODY_BYTES_MAX) return false;
  into.load(body);
  row = into.add();
  ({ bytes, view, fields, length: end } = into);
  at = 0;
  setNone(fields, row);
  // An amount that does not stand there as digits.
  fields[row + Plain.amountStart] = 0;
  fields[row + Plain.amountLength] = 0;
  return posting() && at === end && legIsOne(into, row, context);
}

function posting(): boolean {
  const members = mapLength();
  let seen = 0;
  for (let member = 0; member < members; member++) {
    const length = string();
    if (length < 0) return false;
    const field = fieldOf(bytes, stringStart, length) & ALONE & ~seen;
    if (field === 0) return false;
    seen |= field;
    if (!value(field)) return false;
  }
  if ((seen & Field.legs) === 0) return false;
  // Only a hold expires.
  return fields[row + Plain.expiresIn] === 0 || (word(row + Plain.flags) & PlainFlag.pending) !== 0;
}

function value(field: number): boolean {
  switch (field) {
    case Field.legs:
      return bytes[at++] === LIST_OF_ONE && leg();
    case Field.openAccounts:
      fields[row + Plain.flags] = word(row + Plain.flags) | PlainFlag.openAccounts;
      return bytes[at++] === TRUE;
    case Field.pending: {
      const head = bytes[at++];
      if (head === TRUE) fields[row + Plain.flags] = word(row + Plain.flags) | PlainFlag.pending;
      return head === TRUE || head === FALSE;
    }
    case Field.reference:
      return text(Plain.referenceStart, 1, REFERENCE_LENGTH_MAX);
    case Field.description:
      return text(Plain.descriptionStart, 0, DESCRIPTION_LENGTH_MAX);
    default: {
      const seconds = integer();
      fields[row + Plain.expiresIn] = seconds;
      return seconds >= 1 && seconds <= EXPIRES_IN_SECONDS_MAX;
    }
  }
}

/** The four fields of a leg in any order. */
function leg(): boolean {
  if (bytes[at++] !== MAP_OF_FOUR) return false;
  let found = 0;
  for (let member = 0; member < 4; member++) {
    const length = string();
    if (length < 0) return false;
    const field = legFieldOf(bytes, stringStart, length);
    found |= field;
    if (field === 0 || !legValue(field)) return false;
  }
  return found === WHOLE_LEG;
}

function legValue(field: number): boolean {
  switch (field) {
    case LegField.amount: {
      const amount = integer();
      fields[row + Plain.amountLow] = amount;
      fields[row + Plain.amountHigh] = amount / TWO_32;
      return amount >= 1;
    }
    case LegField.currency:
      return text(Plain.currencyStart, 0, end);
    default:
      return name(field === LegField.debit ? Plain.debitStart : Plain.creditStart);
  }
}

function name(place: number): boolean {
  const length = string();
  fields[row + place] = stringStart;
  fields[row + place + 1] = length;
  return length >= 0 && isName(bytes, stringStart, length);
}

function text(place: number, lengthMin: number, lengthMax: number): boolean {
  const length = string();
  fields[row + place] = stringStart;
  fields[row + place + 1] = length;
  return length >= lengthMin && length <= lengthMax && isText(bytes, stringStart, length);
}

/** Passes over a string, which stands at `stringStart` then. @returns its length; −1 where there is none */
function string(): number {
  const head = bytes[at++] as number; // zeros stand behind the body
  let length = head & 0x1f;
  if ((head & 0xe0) !== 0xa0) {
    if (head === 0xd9) length = bytes[at++] as number;
    else if (head === 0xda) {
      length = view.getUint16(at);
      at += 2;
    } else return -1;
  }
  stringStart = at;
  at += length;
  return at <= end ? length : -1;
}

/** @returns a positive integer that is safe; −1 where there is none */
function integer(): number {
  const head = bytes[at++] as number; // zeros stand behind the body
  if (head < 0x80) return head === 0 ? -1 : head;
  const start = at;
  // Packers of JavaScript write what needs 64 bits as signed; below 2^53 both are the same bytes.
  const kind = head === SIGNED_64 ? LAST_UNSIGNED : head;
  at += 1 << (kind - FIRST_UNSIGNED);
  if (kind < FIRST_UNSIGNED || kind > LAST_UNSIGNED || at > end) return -1;
  if (kind === FIRST_UNSIGNED) return bytes[start] as number; // in the body
  if (kind === 0xcd) return view.getUint16(start);
  const high = view.getUint32(start);
  if (kind === 0xce) return high;
  return high < SAFE_HIGH ? high * TWO_32 + view.getUint32(start + 4) : -1;
}

/** Members of a map with their count in its head; −1 where another value stands. */
function mapLength(): number {
  const head = bytes[at++] as number; // zeros stand behind the body
  return (head & 0xf0) === 0x80 ? head & 0x0f : -1;
}

/** Rows are within the fields: `add` made room for them. */
const word = (place: number): number => fields[place] as number;
