/**
 * A strict reader of JSON (RFC 8259) for every body. `JSON.parse` cannot see duplicate fields, rounded numbers or `1.0`;
 * this one refuses them. The text is decoded once, natively, and then walked by character: strings are slices of it.
 */
import type { BodyValue } from '../types.js';
import { RequestProblem } from '../types.js';
import { Reading } from './reading.js';
import { utf8Text } from './utf8.js';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** 2^53−1 has 16 digits. */
const SAFE_DIGITS = 16;

const INTEGERS_ONLY =
  'Numbers are integers from −(2^53−1) to 2^53−1, written without fraction, exponent or minus zero; send larger amounts as strings of digits.';

/**
 * Reads one JSON document.
 * @throws RequestProblem `malformed_body` where it is not one (bytes that are not UTF-8, duplicate fields, too deep,
 *   anything after it); else `unknown_field` (`__proto__`) or `invalid_field` (numbers that are not safe integers, lone
 *   surrogates, NUL), both with the pointer of the value
 */
export function readJson(bytes: Uint8Array): BodyValue {
  const text = utf8Text(bytes);
  if (text === null) throw new RequestProblem('malformed_body', 'The body is not UTF-8.');
  return new JsonReader(text).document();
}

class JsonReader {
  readonly #text: string;
  readonly #reading = new Reading();
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): BodyValue {
    const value = this.#value(1);
    if (this.#skip() === this.#text.length) return this.#reading.finish(value);
    return this.#unexpected('nothing more');
  }

  #unexpected(wanted: string): never {
    const found = this.#at < this.#text.length ? `character ${this.#at + 1} stands` : 'the body ends';
    return this.#reading.malformed(`Not JSON: ${found} where ${wanted} should.`);
  }

  /** Skips white space; returns where the next character stands. */
  #skip(): number {
    const text = this.#text;
    let at = this.#at;
    for (; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c !== SPACE && c !== LINE_FEED && c !== RETURN && c !== TAB) break;
    }
    this.#at = at;
    return at;
  }

  /** The next character that is not white space; NaN at the end. */
  #next(): number {
    return this.#text.charCodeAt(this.#skip());
  }

  #value(depth: number): BodyValue {
    const c = this.#next();
    if (c === QUOTE) return this.#string();
    if (c === OPEN_BRACE) return this.#object(depth);
    if (c === OPEN_BRACKET) return this.#array(depth);
    if (c === MINUS || (c >= ZERO && c <= NINE)) return this.#number();
    if (this.#word('true')) return true;
    if (this.#word('false')) return false;
    if (this.#word('null')) return null;
    return this.#unexpected('a value');
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #object(depth: number): BodyValue {
    const reading = this.#reading;
    reading.enter(depth);
    const members = new Map<string, BodyValue>();
    this.#at++;
    if (this.#next() === CLOSE_BRACE) {
      this.#at++;
      return members;
    }
    for (;;) {
      if (this.#next() !== QUOTE) this.#unexpected('the name of a field');
      const key = this.#string();
      reading.path.push(key);
      reading.member(members, key);
      if (this.#next() !== COLON) this.#unexpected('":"');
      this.#at++;
      members.set(key, this.#value(depth + 1));
      reading.path.pop();
      const c = this.#next();
      if (c !== COMMA && c !== CLOSE_BRACE) this.#unexpected('"," or "}"');
      this.#at++;
      if (c === CLOSE_BRACE) return members;
    }
  }

  #array(depth: number): BodyValue {
    const reading = this.#reading;
    reading.enter(depth);
    const items: BodyValue[] = [];
    this.#at++;
    if (this.#next() === CLOSE_BRACKET) {
      this.#at++;
      return items;
    }
    for (;;) {
      reading.path.push(items.length);
      reading.count();
      items.push(this.#value(depth + 1));
      reading.path.pop();
      const c = this.#next();
      if (c !== COMMA && c !== CLOSE_BRACKET) this.#unexpected('"," or "]"');
      this.#at++;
      if (c === CLOSE_BRACKET) return items;
    }
  }

  #number(): number {
    const text = this.#text;
    const start = this.#at;
    const negative = text.charCodeAt(start) === MINUS;
    const first = negative ? start + 1 : start;
    const end = this.#digits(first);
    if (end - first > 1 && text.charCodeAt(first) === ZERO) this.#unexpected('a number without leading zeros');
    if (this.#fractionOrExponent(end)) {
      this.#reading.note('invalid_field', INTEGERS_ONLY);
      return 0;
    }
    this.#at = end;
    let value = 0;
    // Sixteen digits may round, but never down to a safe integer from beyond: 2^53 and 10^16 − 1 are both unsafe.
    for (let i = first; i < end && end - first <= SAFE_DIGITS; i++) value = value * 10 + (text.charCodeAt(i) - ZERO);
    if (end - first > SAFE_DIGITS || !Number.isSafeInteger(value) || (negative && value === 0)) {
      this.#reading.note('invalid_field', INTEGERS_ONLY);
      return 0;
    }
    return negative ? -value : value;
  }

  /** Where the digits from `at` end; there is at least one. */
  #digits(at: number): number {
    const text = this.#text;
    let end = at;
    for (; end < text.length; end++) {
      const c = text.charCodeAt(end);
      if (c < ZERO || c > NINE) break;
    }
    this.#at = end;
    if (end === at) this.#unexpected('a digit');
    return end;
  }

  /** Reads what JSON allows after an integer; true if there was any. */
  #fractionOrExponent(end: number): boolean {
    const text = this.#text;
    let at = end;
    if (text.charCodeAt(at) === DOT) at = this.#digits(at + 1);
    if ((text.charCodeAt(at) | 0x20) === 0x65) {
      const sign = text[at + 1];
      at = this.#digits(at + (sign === '+' || sign === '-' ? 2 : 1));
    }
    this.#at = at;
    return at !== end;
  }

  /** The string whose opening quote stands here. */
  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    for (let at = start; at < text.length; at++) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) {
        this.#at = at + 1;
        return text.substring(start, at);
      }
      if (c === BACKSLASH) return this.#escaped(start, at);
      if (c < SPACE) return this.#control(at);
    }
    this.#at = text.length;
    return this.#unexpected('the end of a string');
  }

  #control(at: number): never {
    this.#at = at;
    return this.#unexpected('a character that is not a raw control character');
  }

  /**
   * The rest of a string from its first backslash on. Escapes are only checked here; what they stand for is left to the
   * native reader, so that a body full of them costs no more than one of plain text.
   */
  #escaped(start: number, firstEscape: number): string {
    const text = this.#text;
    let at = firstEscape;
    while (at < text.length) {
      const c = text.charCodeAt(at);
      if (c < SPACE) return this.#control(at);
      if (c === QUOTE) {
        this.#at = at + 1;
        return JSON.parse(text.substring(start - 1, at + 1)) as string; // its escapes were checked
      }
      at = c === BACKSLASH ? this.#escape(at + 1) : at + 1;
    }
    this.#at = text.length;
    return this.#unexpected('the end of a string');
  }

  /** Checks the escape whose backslash stands before `at`; returns where it ends. */
  #escape(at: number): number {
    const c = this.#text.charCodeAt(at);
    if (c !== LOWER_U) {
      if (SHORT_ESCAPES.includes(c)) return at + 1;
      this.#at = at;
      return this.#unexpected('an escape that JSON knows');
    }
    const unit = this.#hex4(at + 1);
    if (unit === 0) this.#reading.note('invalid_field', 'A string may not hold U+0000.');
    if (unit < 0xd800 || unit > 0xdfff) return at + 5;
    if (unit < 0xdc00 && this.#text.startsWith('\\u', at + 5)) {
      const low = this.#hex4(at + 7);
      if (low >= 0xdc00 && low <= 0xdfff) return at + 11;
    }
    this.#reading.note('invalid_field', 'A string may not hold half of a surrogate pair.');
    return at + 5;
  }

  /** The four hexadecimal digits at `at`. */
  #hex4(at: number): number {
    let unit = 0;
    for (let i = at; i < at + 4; i++) {
      const digit = hexDigit(this.#text.charCodeAt(i));
      if (digit < 0) {
        this.#at = i;
        return this.#unexpected('a hexadecimal digit');
      }
      unit = unit * 16 + digit;
    }
    return unit;
  }
}

const LOWER_U = 0x75;
/** The characters of `"\/bfnrt`. */
const SHORT_ESCAPES: readonly number[] = [0x22, 0x5c, 0x2f, 0x62, 0x66, 0x6e, 0x72, 0x74];

/** The value of a hexadecimal digit, or −1. NaN, the end of the text, is none. */
function hexDigit(c: number): number {
  if (c >= ZERO && c <= NINE) return c - ZERO;
  const lower = c | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
