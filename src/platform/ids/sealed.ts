/**
 * Consistency tokens and cursors: opaque to merchants, versioned, and of no use when changed.
 *
 * A token is made for every answer, so it is a plain layout under a short MAC (Chaskey). A cursor is made for a page of
 * a list and may hold places inside the shard, so it is encrypted as well: AES-128-CTR under an initial vector that is
 * the HMAC of kind and content, which then proves both (the way of RFC 5297).
 */
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { Chaskey } from './chaskey.js';

export interface TokenContent {
  /** 1 to 2^32−1 */
  readonly incarnation: number;
  /** The merchant's own sequence, 0 to 2^53−1. */
  readonly sequence: number;
}

export type CursorValue = string | number;

const VERSION = 'c1.';

/**
 * ```
 *  0 incarnation  4 bytes, big-endian
 *  4 sequence     7 bytes
 * 11 MAC         10 bytes, over incarnation, sequence and book
 * ```
 * 21 bytes are 28 characters of base64url without a spare bit, so that no two texts open to the same token.
 */
const TOKEN_BYTES = 21;
const TOKEN_MAC_OFFSET = 11;
const TOKEN_CHARACTERS = (TOKEN_BYTES / 3) * 4;
/** Of every token, in characters and in bytes of ASCII. */
export const TOKEN_LENGTH = VERSION.length + TOKEN_CHARACTERS;
const TWO_32 = 2 ** 32;

const CURSOR_IV_BYTES = 16;

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Value of each ASCII code, 255 for what is not of the alphabet. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value;
const VERSION_BYTES = Uint8Array.from(VERSION, (character) => character.charCodeAt(0));
const ALPHABET_BYTES = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0));
/** Two characters for 12 bits: half as many look-ups and concatenations. */
const PAIRS: readonly string[] = Array.from(
  { length: 4096 },
  (_, pair) => `${ALPHABET[pair >> 6]}${ALPHABET[pair & 63]}`,
);

export class Sealer {
  readonly #tokenMac: Chaskey;
  readonly #cursorMacKey: Uint8Array;
  readonly #cursorKey: Uint8Array;
  // Reused: a token is made for every answer.
  readonly #tag = new Int32Array(4);
  readonly #token = new Uint8Array(TOKEN_BYTES);
  readonly #given = new Uint8Array(TOKEN_BYTES);

  /** @param key 16 secret bytes, the same for the whole life of a ledger; may be that of the ids */
  constructor(key: Uint8Array) {
    const root = new Chaskey(key);
    this.#tokenMac = new Chaskey(root.derive('consistency token'));
    this.#cursorMacKey = root.derive('cursor content');
    this.#cursorKey = root.derive('cursor encryption');
  }

  /** @param book if given, the token opens for this book only */
  sealToken(incarnation: number, sequence: number, book = 0): string {
    this.#writeToken(incarnation, Math.floor(sequence / TWO_32), sequence, book);
    const token = this.#token;
    let text = VERSION;
    for (let at = 0; at < TOKEN_BYTES; at += 3) {
      const a = token[at] ?? 0;
      const b = token[at + 1] ?? 0;
      const c = token[at + 2] ?? 0;
      text += (PAIRS[(a << 4) | (b >> 4)] ?? '') + (PAIRS[((b & 15) << 8) | c] ?? '');
    }
    return text;
  }

  /**
   * The same token as {@link sealToken}, written where an answer is made byte by byte.
   * @returns the offset behind its {@link TOKEN_LENGTH} bytes
   */
  sealTokenInto(incarnation: number, sequence: number, book: number, bytes: Uint8Array, offset: number): number {
    this.#writeToken(incarnation, Math.floor(sequence / TWO_32), sequence, book);
    const token = this.#token;
    for (let at = 0; at < VERSION.length; at++) bytes[offset + at] = VERSION_BYTES[at] ?? 0;
    let index = offset + VERSION.length;
    for (let at = 0; at < TOKEN_BYTES; at += 3, index += 4) {
      const bits = ((token[at] ?? 0) << 16) | ((token[at + 1] ?? 0) << 8) | (token[at + 2] ?? 0);
      bytes[index] = ALPHABET_BYTES[bits >> 18] ?? 0;
      bytes[index + 1] = ALPHABET_BYTES[(bits >> 12) & 63] ?? 0;
      bytes[index + 2] = ALPHABET_BYTES[(bits >> 6) & 63] ?? 0;
      bytes[index + 3] = ALPHABET_BYTES[bits & 63] ?? 0;
    }
    return index;
  }

  /** Never throws, whatever the text. */
  openToken(text: string, book = 0): TokenContent | 'invalid' {
    if (text.length !== TOKEN_LENGTH || !text.startsWith(VERSION)) return 'invalid';
    const given = this.#given;
    for (let at = 0, index = VERSION.length; at < TOKEN_BYTES; at += 3, index += 4) {
      const a = VALUES[text.charCodeAt(index)] ?? 255;
      const b = VALUES[text.charCodeAt(index + 1)] ?? 255;
      const c = VALUES[text.charCodeAt(index + 2)] ?? 255;
      const d = VALUES[text.charCodeAt(index + 3)] ?? 255;
      if ((a | b | c | d) > 63) return 'invalid';
      given[at] = (a << 2) | (b >> 4);
      given[at + 1] = (b << 4) | (c >> 2);
      given[at + 2] = (c << 6) | d;
    }
    const incarnation = readUint(given, 0, 4);
    const high = readUint(given, 4, 3);
    const low = readUint(given, 7, 4);
    this.#writeToken(incarnation, high, low, book);
    let difference = 0;
    for (let at = 0; at < TOKEN_BYTES; at++) difference |= (given[at] ?? 0) ^ (this.#token[at] ?? 0);
    if (difference !== 0) return 'invalid';
    return { incarnation, sequence: high * TWO_32 + low };
  }

  /** @param kind names the list and its filters: a cursor opens for the same kind only */
  sealCursor(kind: string, values: readonly CursorValue[]): string {
    const content = Buffer.from(JSON.stringify(values));
    const iv = this.#cursorMac(kind, content);
    const cipher = createCipheriv('aes-128-ctr', this.#cursorKey, iv);
    return VERSION + Buffer.concat([iv, cipher.update(content), cipher.final()]).toString('base64url');
  }

  /** Never throws, whatever the text. */
  openCursor(kind: string, text: string): readonly CursorValue[] | 'invalid' {
    if (!text.startsWith(VERSION)) return 'invalid';
    const encoded = text.slice(VERSION.length);
    const sealed = Buffer.from(encoded, 'base64url');
    // Node reads past what it does not know; only the spelling that we would write is ours.
    if (sealed.length <= CURSOR_IV_BYTES || sealed.toString('base64url') !== encoded) return 'invalid';
    const iv = sealed.subarray(0, CURSOR_IV_BYTES);
    const decipher = createDecipheriv('aes-128-ctr', this.#cursorKey, iv);
    const content = Buffer.concat([decipher.update(sealed.subarray(CURSOR_IV_BYTES)), decipher.final()]);
    if (!timingSafeEqual(iv, this.#cursorMac(kind, content))) return 'invalid';
    return JSON.parse(content.toString()) as readonly CursorValue[];
  }

  #cursorMac(kind: string, content: Uint8Array): Buffer {
    const mac = createHmac('sha256', this.#cursorMacKey);
    // The kind's length first: kind and content cannot be cut in another way.
    mac.update(`${Buffer.byteLength(kind)}:${kind}:`).update(content);
    return mac.digest().subarray(0, CURSOR_IV_BYTES);
  }

  #writeToken(incarnation: number, sequenceHigh: number, sequenceLow: number, book: number): void {
    const tag = this.#tag;
    // What is signed is one block of four big-endian words; the MAC reads it as little-endian ones.
    tag[0] = swapBytes(incarnation);
    tag[1] = swapBytes(sequenceHigh);
    tag[2] = swapBytes(sequenceLow);
    tag[3] = swapBytes(book);
    this.#tokenMac.macBlock(tag);
    const token = this.#token;
    token[0] = incarnation >>> 24;
    token[1] = incarnation >>> 16;
    token[2] = incarnation >>> 8;
    token[3] = incarnation;
    token[4] = sequenceHigh >>> 16;
    token[5] = sequenceHigh >>> 8;
    token[6] = sequenceHigh;
    token[7] = sequenceLow >>> 24;
    token[8] = sequenceLow >>> 16;
    token[9] = sequenceLow >>> 8;
    token[10] = sequenceLow;
    for (let at = 0; at < TOKEN_BYTES - TOKEN_MAC_OFFSET; at++) {
      token[TOKEN_MAC_OFFSET + at] = (tag[at >> 2] ?? 0) >>> ((at & 3) * 8);
    }
  }
}

function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** Big-endian. */
function readUint(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let at = offset; at < offset + length; at++) value = value * 256 + (bytes[at] ?? 0);
  return value;
}
