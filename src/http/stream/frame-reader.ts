/**
 * Reads a frame: a msgpack array of requests, each a map of `n`, `to`, `key`, `token`, `if_match` and `body`. Bodies are
 * not looked into, only passed over: the routes read them as they read those of HTTP.
 * Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
import { asciiText } from '../body/utf8.js';
import type { StreamRequest } from './protocol.js';
import { FrameFault } from './protocol.js';

const NO_BODY = new Uint8Array(0);
const POST_TRANSACTION = { method: 'POST', path: '/v1/transactions', query: '' };
const TO = /^(GET|POST|PATCH) (\/[^?# ]*)(?:\?([^# ]*))?$/;
const PRINTABLE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const TEXT_LENGTH_MAX = 8192;

type Draft = { -readonly [K in keyof StreamRequest]: StreamRequest[K] };

export class FrameReader {
  #bytes: Uint8Array = NO_BODY;
  #view: DataView = new DataView(NO_BODY.buffer);
  #at = 0;

  /** @throws FrameFault */
  read(frame: Uint8Array): StreamRequest[] {
    this.#bytes = frame;
    this.#view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    this.#at = 0;
    const count = this.#arrayLength();
    if (count > frame.length) throw truncated();
    const requests: StreamRequest[] = [];
    for (let index = 0; index < count; index++) requests.push(this.#request());
    if (this.#at !== frame.length) throw new FrameFault('bytes behind the array of requests');
    return requests;
  }

  #request(): StreamRequest {
    const members = this.#mapLength();
    const draft: Draft = { n: -1, ...POST_TRANSACTION, key: null, token: '', ifMatch: '', body: NO_BODY };
    const seen = new Set<string>();
    for (let member = 0; member < members; member++) {
      const name = this.#text();
      if (seen.has(name)) throw new FrameFault(`"${name.slice(0, 32)}" twice in a request`);
      seen.add(name);
      this.#member(draft, name);
    }
    if (draft.n < 0) throw new FrameFault('a request without "n"');
    return draft;
  }

  #member(draft: Draft, name: string): void {
    switch (name) {
      case 'n':
        draft.n = this.#number();
        return;
      case 'to':
        Object.assign(draft, routeOf(this.#text()));
        return;
      case 'key':
        draft.key = this.#printable(name);
        return;
      case 'token':
        draft.token = this.#printable(name);
        return;
      case 'if_match':
        draft.ifMatch = this.#printable(name);
        return;
      case 'body': {
        const start = this.#at;
        this.#skip();
        draft.body = this.#bytes.subarray(start, this.#at);
        return;
      }
      default:
        throw new FrameFault(`"${name.slice(0, 32)}" in a request: there are n, to, key, token, if_match, body`);
    }
  }

  /** As a header field could have it: what a field cannot carry is no key either. */
  #printable(name: string): string {
    const text = this.#text();
    if (text !== '' && !PRINTABLE.test(text))
      throw new FrameFault(`"${name}" is printable ASCII without blanks at its ends`);
    return text;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw truncated();
    this.#at = at + count;
    return at;
  }

  #head(): number {
    return this.#bytes[this.#take(1)] as number; // taken, so it is there
  }

  #arrayLength(): number {
    const head = this.#head();
    if (head >= 0x90 && head < 0xa0) return head & 0x0f;
    if (head === 0xdc) return this.#view.getUint16(this.#take(2));
    if (head === 0xdd) return this.#view.getUint32(this.#take(4));
    throw new FrameFault('a frame is an array of requests');
  }

  #mapLength(): number {
    const head = this.#head();
    if (head >= 0x80 && head < 0x90) return head & 0x0f;
    if (head === 0xde) return this.#view.getUint16(this.#take(2));
    if (head === 0xdf) return this.#view.getUint32(this.#take(4));
    throw new FrameFault('a request is a map');
  }

  /** Any integer type: encoders differ in which they choose. */
  #number(): number {
    const number = this.#integer();
    if (number < 0 || !Number.isSafeInteger(number)) throw new FrameFault('"n" is an integer from 0 to 2^53−1');
    return number;
  }

  #integer(): number {
    const view = this.#view;
    const head = this.#head();
    switch (head) {
      case 0xcc:
        return view.getUint8(this.#take(1));
      case 0xcd:
        return view.getUint16(this.#take(2));
      case 0xce:
        return view.getUint32(this.#take(4));
      case 0xcf:
        return Number(view.getBigUint64(this.#take(8)));
      case 0xd0:
        return view.getInt8(this.#take(1));
      case 0xd1:
        return view.getInt16(this.#take(2));
      case 0xd2:
        return view.getInt32(this.#take(4));
      case 0xd3:
        return Number(view.getBigInt64(this.#take(8)));
      default:
        return head < 0x80 ? head : -1;
    }
  }

  #text(): string {
    const head = this.#head();
    let length = -1;
    if (head >= 0xa0 && head < 0xc0) length = head & 0x1f;
    else if (head === 0xd9) length = this.#view.getUint8(this.#take(1));
    else if (head === 0xda) length = this.#view.getUint16(this.#take(2));
    if (length < 0 || length > TEXT_LENGTH_MAX)
      throw new FrameFault('names, "to", "key", "token" and "if_match" are short strings');
    const start = this.#take(length);
    for (let at = start; at < start + length; at++) {
      if ((this.#bytes[at] as number) >= 0x80)
        throw new FrameFault('names, "to", "key", "token" and "if_match" are ASCII');
    }
    return asciiText(this.#bytes, start, start + length);
  }

  /** Over one value, whatever it holds. Counts what is still to come instead of calling itself: depth costs nothing. */
  #skip(): void {
    for (let values = 1; values > 0; values--) {
      const head = this.#head();
      if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) continue;
      if (head < 0x90) values += 2 * (head & 0x0f);
      else if (head < 0xa0) values += head & 0x0f;
      else if (head < 0xc0) this.#take(head & 0x1f);
      else values += this.#skipWide(head);
    }
  }

  /** @returns values that stand within */
  #skipWide(head: number): number {
    const view = this.#view;
    switch (head) {
      case 0xcc:
      case 0xd0:
        this.#take(1);
        return 0;
      case 0xcd:
      case 0xd1:
        this.#take(2);
        return 0;
      case 0xca:
      case 0xce:
      case 0xd2:
        this.#take(4);
        return 0;
      case 0xcb:
      case 0xcf:
      case 0xd3:
        this.#take(8);
        return 0;
      case 0xd9:
        this.#take(view.getUint8(this.#take(1)));
        return 0;
      case 0xda:
        this.#take(view.getUint16(this.#take(2)));
        return 0;
      case 0xdb:
        this.#take(view.getUint32(this.#take(4)));
        return 0;
      case 0xdc:
        return view.getUint16(this.#take(2));
      case 0xdd:
        return this.#within(view.getUint32(this.#take(4)));
      case 0xde:
        return 2 * view.getUint16(this.#take(2));
      case 0xdf:
        return this.#within(2 * view.getUint32(this.#take(4)));
      default:
        throw new FrameFault(`byte 0x${head.toString(16)} begins a type that is not taken`);
    }
  }

  /** Every value takes a byte at least: more than are left is a lie. */
  #within(values: number): number {
    if (values > this.#bytes.length - this.#at) throw truncated();
    return values;
  }
}

function routeOf(to: string): { method: string; path: string; query: string } {
  const parts = TO.exec(to);
  if (parts === null) throw new FrameFault('"to" is a method and a path, like "GET /v1/accounts/a"');
  const [, method = '', path = '', query = ''] = parts;
  return { method, path, query };
}

const truncated = (): FrameFault => new FrameFault('the frame ends within a value');
