/**
 * A strict reader of msgpack. Allowed are maps with string keys, arrays, strings, integers, booleans and nil; the general
 * decoders also take extensions, records and cyclic references, and read 0xc1.
 */
import { isUtf8 } from 'node:buffer';
import { asciiText } from '../../engine/wire/text.js';
import type { BodyValue } from '../types.js';
import { isInteger, MsgpackCursor } from './msgpack-cursor.js';
import { Reading } from './reading.js';

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
  readonly #cursor: MsgpackCursor;
  readonly #reading = new Reading();

  constructor(bytes: Uint8Array) {
    this.#cursor = new MsgpackCursor(bytes, () => this.#ended());
  }

  document(): BodyValue {
    const cursor = this.#cursor;
    const value = this.#value(1);
    if (cursor.left > 0) this.#reading.malformed(`The document ends after ${cursor.at} bytes; there are more.`);
    return this.#reading.finish(value);
  }

  #ended(): never {
    return this.#reading.malformed('The body ends within a value.');
  }

  #value(depth: number): BodyValue {
    const cursor = this.#cursor;
    const head = cursor.head();
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    const text = cursor.stringLength(head);
    if (text >= 0) return this.#string(text);
    const members = cursor.mapLength(head);
    if (members >= 0) return this.#map(members, depth);
    const items = cursor.arrayLength(head);
    if (items >= 0) return this.#array(items, depth);
    if (isInteger(head)) return this.#safe(cursor.integer(head));
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
      default:
        return this.#reading.malformed(
          `Byte 0x${head.toString(16)} begins a type that is not taken: send maps, arrays, strings, integers, booleans and nil.`,
        );
    }
  }

  #float(size: number): number {
    this.#cursor.take(size);
    this.#reading.note(
      'invalid_field',
      'Numbers are integers; floats are not taken. Send larger amounts as strings of digits.',
    );
    return 0;
  }

  #safe(value: number | bigint): number {
    if (typeof value === 'number') return value;
    if (value >= -BigInt(Number.MAX_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    this.#reading.note('invalid_field', 'An integer beyond ±(2^53−1) must be sent as a string of digits.');
    return 0;
  }

  #string(length: number): string {
    const { bytes } = this.#cursor;
    const start = this.#cursor.take(length);
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
    const head = this.#cursor.bytes[this.#cursor.at] ?? 0;
    const isString = (head >= 0xa0 && head < 0xc0) || (head >= 0xd9 && head <= 0xdb);
    if (!isString) this.#reading.malformed('Keys of maps are strings.');
    return this.#value(0) as string; // its head says so
  }

  /** Every value takes a byte at least, so a count beyond what is left is a lie; nothing is reserved for it. */
  #fits(values: number): void {
    if (values > this.#cursor.left) this.#ended();
  }
}
