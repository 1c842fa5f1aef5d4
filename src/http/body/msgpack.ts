/**
 * A strict reader of msgpack. Allowed are maps with string keys, arrays, strings, integers, booleans and nil; the general
 * decoders also take extensions, records and cyclic references, and read 0xc1.
 */
import { isUtf8 } from 'node:buffer';
import type { BodyValue } from '../types.js';
import { Reading } from './reading.js';
import { asciiText } from './utf8.js';

/**
 * Reads one msgpack document.
 * @throws RequestProblem `malformed_body` where it is not one that is allowed (truncated, lengths beyond the end, types
 *   not listed above, duplicate keys, too deep, anything after it); else `unknown_field` (`__proto__`) or `invalid_field`
 *   (floats, integers beyond ±(2^53−1), NUL), both with the pointer of the value
 */
export function readMsgpack(bytes: Uint8Array): BodyValue {
  return new MsgpackReader(bytes).document();
}

class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #reading = new Reading();
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  document(): BodyValue {
    const value = this.#value(1);
    if (this.#at !== this.#bytes.length)
      this.#reading.malformed(`The document ends after ${this.#at} bytes; there are more.`);
    return this.#reading.finish(value);
  }

  /** Takes `count` bytes; returns where they begin. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) this.#reading.malformed('The body ends within a value.');
    this.#at = at + count;
    return at;
  }

  #value(depth: number): BodyValue {
    const head = this.#bytes[this.#take(1)] as number; // taken, so it is there
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 0x0f, depth);
    if (head < 0xa0) return this.#array(head & 0x0f, depth);
    if (head < 0xc0) return this.#string(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    const view = this.#view;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#float(4);
      case 0xcb:
        return this.#float(8);
      case 0xcc:
        return view.getUint8(this.#take(1));
      case 0xcd:
        return view.getUint16(this.#take(2));
      case 0xce:
        return view.getUint32(this.#take(4));
      case 0xcf:
        return this.#safe(view.getBigUint64(this.#take(8)));
      case 0xd0:
        return view.getInt8(this.#take(1));
      case 0xd1:
        return view.getInt16(this.#take(2));
      case 0xd2:
        return view.getInt32(this.#take(4));
      case 0xd3:
        return this.#safe(view.getBigInt64(this.#take(8)));
      case 0xd9:
        return this.#string(view.getUint8(this.#take(1)));
      case 0xda:
        return this.#string(view.getUint16(this.#take(2)));
      case 0xdb:
        return this.#string(view.getUint32(this.#take(4)));
      case 0xdc:
        return this.#array(view.getUint16(this.#take(2)), depth);
      case 0xdd:
        return this.#array(view.getUint32(this.#take(4)), depth);
      case 0xde:
        return this.#map(view.getUint16(this.#take(2)), depth);
      case 0xdf:
        return this.#map(view.getUint32(this.#take(4)), depth);
      default:
        return this.#reading.malformed(
          `Byte 0x${head.toString(16)} begins a type that is not taken: send maps, arrays, strings, integers, booleans and nil.`,
        );
    }
  }

  #float(size: number): number {
    this.#take(size);
    this.#reading.note(
      'invalid_field',
      'Numbers are integers; floats are not taken. Send larger amounts as strings of digits.',
    );
    return 0;
  }

  #safe(value: bigint): number {
    if (value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    this.#reading.note('invalid_field', 'An integer beyond ±(2^53−1) must be sent as a string of digits.');
    return 0;
  }

  #string(length: number): string {
    const bytes = this.#bytes;
    const start = this.#take(length);
    const end = start + length;
    let ascii = true;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number; // within what was taken
      if (byte === 0) this.#reading.note('invalid_field', 'A string may not hold U+0000.');
      if (byte >= 0x80) ascii = false;
    }
    if (ascii) return asciiText(bytes, start, end);
    const slice = bytes.subarray(start, end);
    // UTF-8 has no surrogates, so a valid string has no half of a pair.
    if (!isUtf8(slice)) this.#reading.malformed('A string is not UTF-8.');
    return Buffer.from(slice.buffer, slice.byteOffset, slice.length).toString('utf8');
  }

  #array(length: number, depth: number): BodyValue {
    const reading = this.#reading;
    reading.enter(depth);
    this.#fits(length);
    const items: BodyValue[] = [];
    for (let i = 0; i < length; i++) {
      reading.path.push(i);
      reading.count();
      items.push(this.#value(depth + 1));
      reading.path.pop();
    }
    return items;
  }

  #map(length: number, depth: number): BodyValue {
    const reading = this.#reading;
    reading.enter(depth);
    this.#fits(2 * length);
    const members = new Map<string, BodyValue>();
    for (let i = 0; i < length; i++) {
      const key = this.#key();
      reading.path.push(key);
      reading.member(members, key);
      members.set(key, this.#value(depth + 1));
      reading.path.pop();
    }
    return members;
  }

  #key(): string {
    const head = this.#bytes[this.#at] ?? 0;
    const isString = (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);
    if (!isString) this.#reading.malformed('Keys of maps are strings.');
    return this.#value(0) as string; // its head says so
  }

  /** Every value takes a byte at least, so a count beyond what is left is a lie; nothing is reserved for it. */
  #fits(values: number): void {
    if (values > this.#bytes.length - this.#at) this.#reading.malformed('The body ends within a value.');
  }
}
