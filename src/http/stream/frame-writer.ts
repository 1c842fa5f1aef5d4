/**
 * Gathers answers into a frame: a map of `credits`, `token` and `answers`, these a list of maps of `n`, `status`, `body`
 * and where they apply `replayed` and `retry_after`. One frame for all answers of a turn of the event loop: what a commit
 * answers goes out together.
 */
import { asciiPiece, putPiece } from '../../engine/wire/ascii-copy.js';
import { type AnswerBuffer, bufferOf } from '../render/answer-buffer.js';

/** Each connection has one: most are quiet. */
const FIRST_BYTES = 4 * 1024;
/** A buffer that an answer once needed does not stay with its connection, which may be idle for days. */
const KEPT_BYTES_MAX = 1 << 20;
/** Before the answers: their count and the frame's map. Written last, in front of them, when all of it is known. */
const ROOM_BEFORE = 256;
/** Of an answer beside its body: five names and values. */
const ENVELOPE_BYTES_MAX = 96;
const SHORT_STRING_MAX = 31;

const piece = (name: string): Uint8Array => Uint8Array.of(0xa0 | name.length, ...Buffer.from(name));
const N = piece('n');
const STATUS = piece('status');
const BODY = piece('body');
const REPLAYED = piece('replayed');
const RETRY_AFTER = piece('retry_after');
const CREDITS = piece('credits');
const TOKEN = piece('token');
const ANSWERS = piece('answers');
const TRUE = 0xc3;

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes);
/** Of an answer that is a 201 and nothing else, around its number: no part of it makes a float64 that is not a number. */
const POSTED = asciiPiece(text([0x83, ...N]));
const CREATED = asciiPiece(text([...STATUS, 0xcd, 0x00, 0xc9, ...BODY]));

export interface AnswerFacts {
  readonly n: number;
  readonly status: number;
  readonly replayed: boolean;
  /** Seconds; 0: does not apply. */
  readonly retryAfter: number;
}

export class FrameWriter {
  #into = bufferOf(FIRST_BYTES);
  #at = ROOM_BEFORE;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#at - ROOM_BEFORE;
  }

  /** What answers are written into. Another one when there is no more room in it. */
  get into(): AnswerBuffer {
    return this.#into;
  }

  /** @param body one msgpack value */
  add({ n, status, replayed, retryAfter }: AnswerFacts, body: Uint8Array): void {
    this.#room(ENVELOPE_BYTES_MAX + body.length);
    this.#count++;
    this.#byte(0x80 | (3 + (replayed ? 1 : 0) + (retryAfter > 0 ? 1 : 0)));
    this.#put(N);
    this.#integer(n);
    this.#put(STATUS);
    this.#integer(status);
    if (replayed) {
      this.#put(REPLAYED);
      this.#byte(TRUE);
    }
    if (retryAfter > 0) {
      this.#put(RETRY_AFTER);
      this.#integer(retryAfter);
    }
    this.#put(BODY);
    this.#put(body);
  }

  /**
   * Begins the answer 201 to a request, whose body is then written in place.
   * @returns where in {@link into} the body begins; nothing is there before `endPosted`
   */
  beginPosted(n: number, bodyBytesMax: number): number {
    this.#room(ENVELOPE_BYTES_MAX + bodyBytesMax);
    const start = this.#at;
    this.#at = putPiece(POSTED, this.#into.view, start);
    this.#integer(n);
    const body = putPiece(CREATED, this.#into.view, this.#at);
    this.#at = start;
    return body;
  }

  /** @param end of the body */
  endPosted(end: number): void {
    this.#at = end;
    this.#count++;
  }

  /**
   * The frame with all answers since the last one. Valid, where it is small, until the next answer is begun or added.
   * @param credits that the client gets back @param token empty: none
   */
  take(credits: number, token: string): Uint8Array {
    const end = this.#at;
    const count = this.#count;
    const room = 16 + CREDITS.length + TOKEN.length + ANSWERS.length + token.length;
    const start = ROOM_BEFORE - room;
    if (start < 0) throw new RangeError(`a token of ${token.length} characters`);
    this.#at = start;
    this.#byte(0x80 | (token === '' ? 2 : 3));
    this.#put(CREDITS);
    this.#integer(credits);
    if (token !== '') {
      this.#put(TOKEN);
      this.#string(token);
    }
    this.#put(ANSWERS);
    this.#byte(0xdd);
    const { bytes, view } = this.#into;
    view.setUint32(this.#at, count);
    const head = bytes.slice(start, this.#at + 4);
    bytes.set(head, ROOM_BEFORE - head.length);
    this.#at = ROOM_BEFORE;
    this.#count = 0;
    if (bytes.length > KEPT_BYTES_MAX) this.#into = bufferOf(FIRST_BYTES);
    return bytes.subarray(ROOM_BEFORE - head.length, end);
  }

  #room(size: number): void {
    const needed = this.#at + size;
    if (needed <= this.#into.bytes.length) return;
    const larger = bufferOf(2 ** Math.ceil(Math.log2(needed)));
    larger.bytes.set(this.#into.bytes.subarray(0, this.#at));
    this.#into = larger;
  }

  #byte(byte: number): void {
    this.#into.bytes[this.#at++] = byte;
  }

  #put(bytes: Uint8Array): void {
    this.#into.bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #integer(value: number): void {
    if (value < 0x80) this.#byte(value);
    else if (value <= 0xffff) {
      this.#byte(0xcd);
      this.#into.view.setUint16(this.#at, value);
      this.#at += 2;
    } else if (value <= 0xffffffff) {
      this.#byte(0xce);
      this.#into.view.setUint32(this.#at, value);
      this.#at += 4;
    } else {
      this.#byte(0xcf);
      this.#into.view.setBigUint64(this.#at, BigInt(value));
      this.#at += 8;
    }
  }

  #string(text: string): void {
    if (text.length <= SHORT_STRING_MAX) this.#byte(0xa0 | text.length);
    else {
      this.#byte(0xd9);
      this.#byte(text.length);
    }
    for (let index = 0; index < text.length; index++) this.#byte(text.charCodeAt(index));
  }
}
