/**
 * The running hash over a log: 64 bits, a few multiplications a record. It finds a log that was cut, reordered or
 * rewritten by accident; it is no seal against a forger. Texts and details are not in it, only numbers.
 */
import { highWord, lowWord, wordsOf } from './int64.js';
import { isTransaction, type LogRecord } from './record.js';

/** Multipliers and shifts of a common integer mixer (odd constants with well-spread bits). */
const MULTIPLY_1 = 0x85ebca6b;
const MULTIPLY_2 = 0xc2b2ae35;

export class Chain {
  #low = 0;
  #high = 0;
  /** Views of the amounts of the record seen last: a ledger fills one record again and again. */
  #viewed: LogRecord | null = null;
  #amount: Int32Array = new Int32Array(0);
  #released: Int32Array = new Int32Array(0);

  get value(): bigint {
    return BigInt.asIntN(64, (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0));
  }

  set value(value: bigint) {
    this.#low = Number(BigInt.asIntN(32, value));
    this.#high = Number(BigInt.asIntN(32, value >> 32n));
  }

  add(record: LogRecord): void {
    if (this.#viewed !== record) {
      this.#viewed = record;
      this.#amount = wordsOf(record.amount);
      this.#released = wordsOf(record.released);
    }
    this.#mixWide(record.position);
    this.#mixWide(record.recordedAt);
    this.#mix(record.book);
    this.#mixWide(record.sequence);
    this.#mix(record.kind | (record.flags << 8) | (record.code << 16));
    this.#mix(record.fingerprintHi);
    this.#mix(record.fingerprintLo);
    if (record.parent !== 0) this.#mixWide(record.parent);
    if (isTransaction(record.kind)) {
      this.#mixWide(record.effectiveAt);
      this.#mixWide(record.expiresAt);
    }
    for (let leg = 0; leg < record.legCount; leg++) this.#mixLeg(record, leg);
  }

  #mixLeg(record: LogRecord, leg: number): void {
    this.#mix(record.debit[leg] as number);
    this.#mix(record.credit[leg] as number);
    this.#mix((record.leg[leg] as number) | ((record.currency[leg] as number) << 8));
    this.#mix(lowWord(this.#amount, leg));
    this.#mix(highWord(this.#amount, leg));
    this.#mix(lowWord(this.#released, leg));
    this.#mix(highWord(this.#released, leg));
  }

  /** Of an integer below 2^53. */
  #mixWide(value: number): void {
    this.#mix(value | 0);
    this.#mix((value / 4_294_967_296) | 0);
  }

  #mix(word: number): void {
    const low = Math.imul(this.#low ^ word, MULTIPLY_1);
    const high = Math.imul(this.#high + low, MULTIPLY_2) ^ (low >>> 15);
    this.#low = (low << 13) | (low >>> 19);
    this.#high = (high ^ (high >>> 16)) | 0;
  }
}
