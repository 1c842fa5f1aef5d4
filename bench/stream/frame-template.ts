/** Frames of `GET /v1/stream` (docs/stream.md), made once: only the numbers and keys of their requests are written anew. */
import { Packr } from 'msgpackr';
import { accountName, OUTSIDE_ACCOUNT } from '../../src/cli/bench/requests.js';

/** Frames hold maps of strings; what msgpackr would add for its own use is refused. */
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** Digits of a request's number within its key. */
const DIGITS = 10;
const UINT32 = 0xce;
const ARRAY32 = 0xdd;
const MAP_OF_3 = 0x83;
const STRING8 = 0xd9;

const word = (text: string): Buffer => Buffer.from([0xa0 | text.length, ...Buffer.from(text)]);

export class FrameTemplate {
  readonly requests: number;
  readonly #bytes: Buffer;
  /** Where each number stands, and each key's digits. */
  readonly #numbers: readonly number[];
  readonly #digits: readonly number[];

  /**
   * @param run what all keys begin with
   * @param accounts credited by its requests, by number
   */
  constructor(run: string, accounts: readonly number[]) {
    this.requests = accounts.length;
    const numbers: number[] = [];
    const digits: number[] = [];
    const parts: Buffer[] = [];
    let length = 0;
    const put = (...bytes: readonly Buffer[]): void => {
      for (const part of bytes) {
        parts.push(part);
        length += part.length;
      }
    };
    put(Buffer.from([ARRAY32, 0, 0, 0, 0]));
    for (const account of accounts) {
      put(Buffer.from([MAP_OF_3]), word('n'), Buffer.from([UINT32]));
      numbers.push(length);
      put(Buffer.alloc(4), word('key'), Buffer.from([STRING8, run.length + DIGITS]), Buffer.from(run));
      digits.push(length);
      put(Buffer.alloc(DIGITS), word('body'), packr.pack({ legs: [leg(account)] }));
    }
    this.#bytes = Buffer.concat(parts);
    this.#bytes.writeUInt32BE(accounts.length, 1);
    this.#numbers = numbers;
    this.#digits = digits;
  }

  /** Its requests from number `first` on. The bytes are those of the next call too: they are to be sent before it. */
  from(first: number): Buffer {
    const bytes = this.#bytes;
    for (let index = 0; index < this.requests; index++) {
      const number = first + index;
      bytes.writeUInt32BE(number, this.#numbers[index]);
      let rest = number;
      const start = this.#digits[index] ?? 0;
      for (let at = start + DIGITS - 1; at >= start; at--) {
        bytes[at] = 0x30 + (rest % 10);
        rest = Math.floor(rest / 10);
      }
    }
    return bytes;
  }
}

const leg = (account: number) => ({
  debit: OUTSIDE_ACCOUNT,
  credit: accountName(account),
  amount: 125,
  currency: 'EUR',
});
