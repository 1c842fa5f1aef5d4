/**
 * The running hash over a log: 64 bits, a few multiplications a record. It finds a log that was cut, reordered or
 * rewritten by accident; it is no seal against a forger. Texts and details are not in it, only numbers.
 */
import { highWord, lowWord } from './int64.js';
import { isTransaction, LEGS_MAX, type LogRecord } from './record.js';

/** Multipliers and shifts of a common integer mixer (odd constants with well-spread bits). */
const MULTIPLY_1 = 0x85ebca6b;
const MULTIPLY_2 = 0xc2b2ae35;

const HEAD_WORDS_MAX = 16;
const LEG_WORDS = 7;

export class Chain {
  #low = 0;
  #high = 0;

  /** What of a record is mixed in, word by word. */
  readonly #words = new Int32Array(HEAD_WORDS_MAX + LEGS_MAX * LEG_WORDS);

  get value(): bigint {
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0));
  }

  set value(value: bigint) {
    this.#low = Number(BigInt.asIntN(32, value));
    this.#high = Number(BigInt.asIntN(32, value >> 32n));
  }

  add(record: LogRecord): void {
    const words = this.#words;
    let end = putWide(words, 0, record.position);
    end = putWide(words, end, record.recordedAt);
    words[end++] = record.book;
    end = putWide(words, end, record.sequence);
    words[end++] = record.kind | (record.flags << 8) | (record.code << 16);
    words[end++] = record.fingerprintHi;
    words[end++] = record.fingerprintLo;
    if (record.parent !== 0) end = putWide(words, end, record.parent);
    if (isTransaction(record.kind)) {
      end = putWide(words, end, record.effectiveAt);
      end = putWide(words, end, record.expiresAt);
    }
    for (let leg = 0; leg < record.legCount; leg++) end = this.#putLeg(record, leg, end);
    this.#mix(end);
  }

  #putLeg(record: LogRecord, leg: number, at: number): number {
    const words = this.#words;
    words[at] = record.debit[leg] as number;
    words[at + 1] = record.credit[leg] as number;
    words[at + 2] = (record.leg[leg] as number) | ((record.currency[leg] as number) << 8);
    words[at + 3] = lowWord(record.amountWords, leg);
    words[at + 4] = highWord(record.amountWords, leg);
    words[at + 5] = lowWord(record.releasedWords, leg);
    words[at + 6] = highWord(record.releasedWords, leg);
    return at + LEG_WORDS;
  }

  /** In one loop: both halves stay in registers. */
  #mix(end: number): void {
    const words = this.#words;
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < end; at++) {
      low = Math.imul(low ^ (words[at] as number), MULTIPLY_1);
      high = Math.imul(high + low, MULTIPLY_2) ^ (low >>> 15);
      low = (low << 13) | (low >>> 19);
      high ^= high >>> 16;
    }
    this.#low = low;
    this.#high = high;
  }
}

/** An integer below 2^53. */
function putWide(words: Int32Array, at: number, value: number): number {
  words[at] = value;
  words[at + 1] = value / 4_294_967_296;
  return at + 2;
}
