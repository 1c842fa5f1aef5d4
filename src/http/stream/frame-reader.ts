/**
 * Reads a frame: a msgpack array of requests, each a map of `n`, `to`, `key`, `token`, `if_match` and `body`. Bodies are
 * not looked into, only passed over: the routes read them as they read those of HTTP.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */

import { asciiText } from '../../engine/wire/text.js';
import { isInteger, MsgpackCursor } from '../body/msgpack-cursor.js';
import { spells } from '../body/scan.js';
import type { StreamRequest } from './protocol.js';
import { FrameFault, POST_TRANSACTION } from './protocol.js';

const NO_BODY = new Uint8Array(0);
const TO = /^(GET|POST|PATCH) (\/[^?# ]*)(?:\?([^# ]*))?$/;
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const TEXT_LENGTH_MAX = 8192;
/** With a length in 32 bits: none of a request's texts needs one. */
const LONG_STRING = 0xdb;

/** Of a request. */
const MEMBERS = ['n', 'to', 'key', 'token', 'if_match', 'body'] as const;

type Draft = { -readonly [K in keyof StreamRequest]: StreamRequest[K] };

/** @throws FrameFault */
export const readFrame = (frame: Uint8Array): StreamRequest[] => new FrameReader(frame).requests();

class FrameReader {
  readonly #cursor: MsgpackCursor;

  constructor(frame: Uint8Array) {
    this.#cursor = new MsgpackCursor(frame, truncated);
  }

  requests(): StreamRequest[] {
    const cursor = this.#cursor;
    const count = cursor.arrayLength(cursor.head());
    if (count < 0) throw new FrameFault('a frame is an array of requests');
    this.#fits(count);
    const requests: StreamRequest[] = [];
    for (let index = 0; index < count; index++) requests.push(this.#request());
    if (cursor.left > 0) throw new FrameFault('bytes behind the array of requests');
    return requests;
  }

  #request(): StreamRequest {
    const members = this.#cursor.mapLength(this.#cursor.head());
    if (members < 0) throw new FrameFault('a request is a map');
    const draft: Draft = { n: -1, ...POST_TRANSACTION, key: null, token: '', ifMatch: '', body: NO_BODY };
    let seen = 0;
    for (let member = 0; member < members; member++) {
      const name = this.#memberName();
      if ((seen & (1 << name)) !== 0) throw new FrameFault(`"${MEMBERS[name]}" twice in a request`);
      seen |= 1 << name;
      this.#member(name, draft);
    }
    if (draft.n < 0) throw new FrameFault('a request without "n"');
    return draft;
  }

  /** @returns which of {@link MEMBERS} it is: the few that there are need no string made to be told apart */
  #memberName(): number {
    const { bytes } = this.#cursor;
    const length = this.#textLength();
    const start = this.#cursor.take(length);
    for (let name = 0; name < MEMBERS.length; name++) {
      const member = MEMBERS[name] ?? '';
      if (member.length === length && spells(bytes, start, member)) return name;
    }
    const name = asciiText(bytes, start, start + Math.min(length, 32));
    throw new FrameFault(`"${name}" in a request: there are ${MEMBERS.join(', ')}`);
  }

  #member(name: number, draft: Draft): void {
    switch (MEMBERS[name]) {
      case 'n':
        draft.n = this.#number();
        return;
      case 'to':
        Object.assign(draft, routeOf(this.#text()));
        return;
      case 'key':
        draft.key = this.#printable('key');
        return;
      case 'token':
        draft.token = this.#printable('token');
        return;
      case 'if_match':
        draft.ifMatch = this.#printable('if_match');
        return;
      default: {
        const start = this.#cursor.at;
        this.#skip();
        draft.body = this.#cursor.bytes.subarray(start, this.#cursor.at);
      }
    }
  }

  #printable(name: string): string {
    const text = this.#text();
    if (text !== '' && !PRINTABLE.test(text))
      throw new FrameFault(`"${name}" is printable ASCII without blanks at its ends`);
    return text;
  }

  /** Any integer type: encoders differ in which they choose. */
  #number(): number {
    const head = this.#cursor.head();
    const number = isInteger(head) ? Number(this.#cursor.integer(head)) : head < 0x80 ? head : -1;
    if (number < 0 || !Number.isSafeInteger(number)) throw new FrameFault('"n" is an integer from 0 to 2^53−1');
    return number;
  }

  #textLength(): number {
    const head = this.#cursor.head();
    const length = head === LONG_STRING ? -1 : this.#cursor.stringLength(head);
    if (length < 0 || length > TEXT_LENGTH_MAX)
      throw new FrameFault('names, "to", "key", "token" and "if_match" are short strings');
    return length;
  }

  #text(): string {
    const { bytes } = this.#cursor;
    const length = this.#textLength();
    const start = this.#cursor.take(length);
    for (let at = start; at < start + length; at++) {
      if ((bytes[at] as number) >= 0x80) throw new FrameFault('names, "to", "key", "token" and "if_match" are ASCII');
    }
    return asciiText(bytes, start, start + length);
  }

  /** Over one value, whatever it holds. Counts what is still to come instead of calling itself: depth costs nothing. */
  #skip(): void {
    const cursor = this.#cursor;
    for (let values = 1; values > 0; values--) {
      const head = cursor.head();
      if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) continue;
      const text = cursor.stringLength(head);
      const members = cursor.mapLength(head);
      const items = cursor.arrayLength(head);
      if (text >= 0) cursor.take(text);
      else if (members >= 0) values += this.#fits(2 * members);
      else if (items >= 0) values += this.#fits(items);
      else if (isInteger(head)) cursor.integer(head);
      else if (head === 0xca || head === 0xcb) cursor.take(head === 0xca ? 4 : 8);
      else throw new FrameFault(`byte 0x${head.toString(16)} begins a type that is not taken`);
    }
  }

  /** Every value takes a byte at least: more than are left is a lie. */
  #fits(values: number): number {
    return values > this.#cursor.left ? truncated() : values;
  }
}

function routeOf(to: string): { method: string; path: string; query: string } {
  const parts = TO.exec(to);
  if (parts === null) throw new FrameFault('"to" is a method and a path, like "GET /v1/accounts/a"');
  const [, method = '', path = '', query = ''] = parts;
  return { method, path, query };
}

function truncated(): never {
  throw new FrameFault('the frame ends within a value');
}
