/**
 * Public ids of transactions. An id is where its record stands (log and position) under a keyed permutation: whoever
 * has the key looks it up without an index, and nobody else learns anything from it, not even an order or a volume.
 *
 * The block of 128 bits before the permutation: log id 32, position 53, 11 zeros, and 32 bits that say after which
 * restore to a point in time the record was written. Of these too there is one right value at each position, so that an id
 * that we did not make is known by 43 bits, and an id of what a restore took away is never that of another record. Written as 26 digits of Crockford's base 32 in lower case, the first of which carries 3 bits.
 */
import { Chaskey } from './chaskey.js';

export interface RecordPlace {
  /** 0 to 2^31−1 */
  readonly logId: number;
  /** 0 to 2^53−1 */
  readonly position: number;
}

/** A restore to a point in time: positions after the point are given again, their ids are not. */
export interface Restore {
  /** Of the ledger from then on; 2 to 2^31−1, rising. */
  readonly incarnation: number;
  /** The last position that stayed. */
  readonly after: number;
}

const PREFIX = 'txn_';
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const DIGITS_COUNT = 26;
/** Of every id, in characters and in bytes of ASCII. */
export const ID_LENGTH = PREFIX.length + DIGITS_COUNT;
const TWO_32 = 2 ** 32;

/** Value of each ASCII code, 255 for what is no digit. Capitals are none: an id has one spelling. */
const VALUES = new Uint8Array(128).fill(255);
for (let value = 0; value < DIGITS.length; value++) VALUES[DIGITS.charCodeAt(value)] = value;

const PREFIX_BYTES = Uint8Array.from(PREFIX, (character) => character.charCodeAt(0));
const DIGIT_BYTES = Uint8Array.from(DIGITS, (character) => character.charCodeAt(0));

/** Two digits at a time: half as many look-ups and concatenations. */
const PAIRS: readonly string[] = Array.from({ length: 1024 }, (_, pair) => `${DIGITS[pair >> 5]}${DIGITS[pair & 31]}`);

export class IdCodec {
  readonly #cipher: Chaskey;
  readonly #block = new Int32Array(4);
  readonly #restores: readonly Restore[];
  /** Of records after the last restore, which nearly all are. */
  readonly #newest: number;
  readonly #newestAfter: number;

  /**
   * @param key 16 secret bytes, the same for the whole life of a ledger
   * @param restores in their order, which is that of their positions
   */
  constructor(key: Uint8Array, restores: readonly Restore[] = []) {
    this.#cipher = new Chaskey(new Chaskey(key).derive('transaction id'));
    this.#restores = restores;
    this.#newest = restores.at(-1)?.incarnation ?? 0;
    this.#newestAfter = restores.at(-1)?.after ?? 0;
  }

  /** 0 for what no restore came before. */
  #incarnationOf(position: number): number {
    if (position > this.#newestAfter) return this.#newest;
    return this.#restores.findLast(({ after }) => position > after)?.incarnation ?? 0;
  }

  encode(logId: number, position: number): string {
    const block = this.#encrypt(logId, position);
    return PREFIX + digits(block[0] ?? 0, block[1] ?? 0, block[2] ?? 0, block[3] ?? 0);
  }

  /**
   * Writes the id where an answer is made byte by byte: no string is.
   * @returns the offset behind its {@link ID_LENGTH} bytes
   */
  encodeInto(logId: number, position: number, bytes: Uint8Array, offset: number): number {
    const block = this.#encrypt(logId, position);
    for (let index = 0; index < PREFIX.length; index++) bytes[offset + index] = PREFIX_BYTES[index] ?? 0;
    return writeDigits(block, bytes, offset + PREFIX.length);
  }

  #encrypt(logId: number, position: number): Int32Array {
    const block = this.#block;
    block[0] = logId;
    block[1] = position | 0;
    block[2] = position / TWO_32;
    block[3] = this.#incarnationOf(position);
    this.#cipher.encrypt(block);
    return block;
  }

  /** @returns null for everything that `encode` did not make with this key (but for one of 2^43 guesses) */
  decode(id: string): RecordPlace | null {
    if (id.length !== ID_LENGTH || !id.startsWith(PREFIX)) return null;
    const block = this.#block;
    if (!readDigits(id, block)) return null;
    this.#cipher.decrypt(block);
    const logId = block[0] ?? 0;
    const low = block[1] ?? 0;
    const high = block[2] ?? 0;
    if (high >>> 21 !== 0 || logId < 0) return null;
    const position = high * TWO_32 + (low >>> 0);
    return block[3] === this.#incarnationOf(position) ? { logId, position } : null;
  }
}

/** 128 bits, `a` the highest word: 130 bits of digits, ten at a time. */
function digits(a: number, b: number, c: number, d: number): string {
  return (
    pair(a >>> 24) +
    pair(a >>> 14) +
    pair(a >>> 4) +
    pair((a << 6) | (b >>> 26)) +
    pair(b >>> 16) +
    pair(b >>> 6) +
    pair((b << 4) | (c >>> 28)) +
    pair(c >>> 18) +
    pair(c >>> 8) +
    pair((c << 2) | (d >>> 30)) +
    pair(d >>> 20) +
    pair(d >>> 10) +
    pair(d)
  );
}

/** The same digits as bytes: the words are shifted out together, five bits at a time, lowest first. */
function writeDigits(block: Int32Array, bytes: Uint8Array, offset: number): number {
  let a = block[0] ?? 0;
  let b = block[1] ?? 0;
  let c = block[2] ?? 0;
  let d = block[3] ?? 0;
  for (let at = offset + DIGITS_COUNT - 1; at >= offset; at--) {
    bytes[at] = DIGIT_BYTES[d & 31] ?? 0;
    d = (d >>> 5) | (c << 27);
    c = (c >>> 5) | (b << 27);
    b = (b >>> 5) | (a << 27);
    a >>>= 5;
  }
  return offset + DIGITS_COUNT;
}

const pair = (bits: number): string => PAIRS[bits & 1023] ?? '';

function readDigits(id: string, block: Int32Array): boolean {
  block.fill(0);
  for (let index = PREFIX.length; index < ID_LENGTH; index++) {
    const value = VALUES[id.charCodeAt(index)] ?? 255;
    if (value > 31 || (index === PREFIX.length && value > 7)) return false;
    block[0] = ((block[0] ?? 0) << 5) | ((block[1] ?? 0) >>> 27);
    block[1] = ((block[1] ?? 0) << 5) | ((block[2] ?? 0) >>> 27);
    block[2] = ((block[2] ?? 0) << 5) | ((block[3] ?? 0) >>> 27);
    block[3] = ((block[3] ?? 0) << 5) | value;
  }
  return true;
}
