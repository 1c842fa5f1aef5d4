/**
 * The hot shape in msgpack: a posting of one leg, alone or in each request of a frame, read straight from its bytes into the
 * numbers that fast-post.ts reads of JSON. It takes a part of what `readMsgpack` and `parsePost` take, and of frames a part of
 * what `readFrame` takes, and means exactly what they mean; whatever it does not know at once, they decide.
 *
 * The place in the bytes is a variable of the module, so that steps return what they found without allocating. Not
 * reentrant, and need not be: it never calls out. Zeros stand behind the body: as the head of a value a zero is a number,
 * which no field of the shape begins with, so lengths are compared with the body's end and heads are not.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { PLAIN_WORDS, Plain, PlainFlag, type PlainPosts, POST_ROUTE } from '../../engine/wire/plain-post.js';
import type { ParseContext } from '../parse/context.js';
import { DESCRIPTION_LENGTH_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';
import { KEY_LENGTH_MAX } from '../parse/headers.js';
import { EXPIRES_IN_SECONDS_MAX } from '../parse/post.js';
import { ALONE, Field, fieldOf, LegField, legFieldOf, WHOLE_LEG } from './field-names.js';
import type { PlainRequests } from './plain-requests.js';
import { legIsOne, setNone } from './plain-row.js';
import { isName, isText, spells } from './scan.js';

const BODY_BYTES_MAX = 4096;
/** On average over a frame: in what is longer there are other things than postings of this shape, and it is not worth a copy. */
const REQUEST_BYTES_MAX = 4096;
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
/** Heads of lists with their count in 2 and 4 bytes. */
const LIST_16 = 0xdc;
const LIST_32 = 0xdd;
const MAP_OF_FOUR = 0x84;
const SPACE = 0x20;

/** What a request of a frame has, as bits; `to` may be missing. */
const NUMBER = 1;
const KEY = 2;
const BODY = 4;
const TO = 8;

let bytes: Uint8Array = new Uint8Array(1);
let view: DataView = new DataView(bytes.buffer);
let end = 0;
let at = 0;
let fields: Int32Array = new Int32Array(PLAIN_WORDS);
let row = 0;
/** Where the last string stands. */
let stringStart = 0;
/** Of the last request of a frame: its number, and the bytes of its body. */
let number = 0;
let bodyBytes = 0;

/** @returns false whenever anything is unusual: then `readMsgpack` and `parsePost` decide */
export function readFastMsgpack(body: Uint8Array, context: ParseContext, into: PlainPosts): boolean {
  if (body.length > BODY_BYTES_MAX) return false;
  into.load(body);
  newRow(into);
  ({ bytes, view, length: end } = into);
  at = 0;
  return posting() && at === end && legIsOne(into, row, context);
}

/**
 * A frame of postings of the hot shape, each with a number larger than the one before it, and a key as it is meant.
 * @param above what the first number is larger than
 * @param countMax most requests that it may have
 * @returns false whenever anything is unusual anywhere: then `readFrame` decides about the whole
 */
export function readFastFrame(
  frame: Uint8Array,
  above: number,
  countMax: number,
  context: ParseContext,
  into: PlainRequests,
): boolean {
  const { posts } = into;
  const count = listLength(frame);
  if (count < 1 || count > countMax || frame.length > count * REQUEST_BYTES_MAX) return false;
  posts.load(frame);
  ({ bytes, view, length: end } = posts);
  let last = above;
  for (let index = 0; index < count; index++) {
    newRow(posts);
    if (!request() || number <= last || !legIsOne(posts, row, context)) return false;
    last = number;
    into.set(index, number, bodyBytes);
  }
  return at === end;
}

/** A row more, of which nothing was read: nor has it an amount that stands there as digits. */
function newRow(posts: PlainPosts): void {
  row = posts.add();
  ({ fields } = posts);
  setNone(fields, row);
  fields[row + Plain.amountStart] = 0;
  fields[row + Plain.amountLength] = 0;
}

function request(): boolean {
  const members = mapLength();
  let seen = 0;
  for (let member = 0; member < members; member++) {
    const length = string();
    const name = length < 0 ? 0 : memberOf(length) & ~seen;
    if (name === 0) return false;
    seen |= name;
    if (!memberValue(name)) return false;
  }
  return (seen | TO) === (NUMBER | KEY | BODY | TO);
}

/** The bit of a member of a request, whose name was passed over; or 0. */
function memberOf(length: number): number {
  switch (length) {
    case 1:
      return spells(bytes, stringStart, 'n') ? NUMBER : 0;
    case 2:
      return spells(bytes, stringStart, 'to') ? TO : 0;
    case 3:
      return spells(bytes, stringStart, 'key') ? KEY : 0;
    case 4:
      return spells(bytes, stringStart, 'body') ? BODY : 0;
    default:
      return 0;
  }
}

function memberValue(name: number): boolean {
  switch (name) {
    case NUMBER: {
      const start = at + 1;
      number = integer();
      // Texts are copied with bytes behind them, as float64: those of any number may make one that is not a number.
      for (let i = start; i < at; i++) bytes[i] = 0;
      return number >= 0;
    }
    case KEY:
      return text(Plain.keyStart, 1, KEY_LENGTH_MAX) && !isBlankAtAnEnd();
    case TO:
      return string() === POST_ROUTE.length && spells(bytes, stringStart, POST_ROUTE);
    default: {
      const start = at;
      const taken = posting();
      bodyBytes = at - start;
      return taken;
    }
  }
}

/** Of the last string, which is not empty. */
const isBlankAtAnEnd = (): boolean => bytes[stringStart] === SPACE || bytes[at - 1] === SPACE;

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

/** Items of the list that a frame is, which begin at `at` then; −1 where it is none. */
function listLength(frame: Uint8Array): number {
  const head = frame[0] ?? 0;
  at = head === LIST_16 ? 3 : head === LIST_32 ? 5 : 1;
  if (at === 1) return (head & 0xf0) === 0x90 ? head & 0x0f : -1;
  let count = 0;
  for (let i = 1; i < at; i++) count = count * 0x100 + (frame[i] ?? 0);
  return count;
}

/** Members of a map with their count in its head; −1 where another value stands. */
function mapLength(): number {
  const head = bytes[at++] as number; // zeros stand behind the body
  return (head & 0xf0) === 0x80 ? head & 0x0f : -1;
}

/** Rows are within the fields: `add` made room for them. */
const word = (place: number): number => fields[place] as number;
