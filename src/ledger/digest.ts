/**
 * A digest of the logical state: equal logs give equal digests, whatever happens to be in memory. Keys are not part of
 * it: which of them are remembered depends on the clock.
 */
import { Counter } from './accounts.js';
import { halfSipHash } from './hash.js';
import type { LedgerState } from './state.js';

const CHUNK_BYTES = 1 << 16;
const encoder = new TextEncoder();

/** Chains chunks: each is hashed together with the hash of those before it. */
class Digest {
  readonly #bytes = new Uint8Array(CHUNK_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #hash = new Int32Array(4);
  readonly #half = new Int32Array(2);
  #end = 16;

  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#end, value);
    this.#end += 8;
  }

  amount(value: bigint | null): void {
    this.#reserve(9);
    this.#view.setUint8(this.#end, value === null ? 0 : 1);
    this.#view.setBigInt64(this.#end + 1, value ?? 0n);
    this.#end += 9;
  }

  text(value: string): void {
    const bytes = encoder.encode(value);
    this.number(bytes.length);
    for (let from = 0; from < bytes.length; from += CHUNK_BYTES / 2) {
      const part = bytes.subarray(from, from + CHUNK_BYTES / 2);
      this.#reserve(part.length);
      this.#bytes.set(part, this.#end);
      this.#end += part.length;
    }
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes > CHUNK_BYTES) this.#close();
  }

  #close(): void {
    for (let word = 0; word < 4; word++) this.#view.setInt32(word * 4, this.#hash[word] as number);
    for (let part = 0; part < 2; part++) {
      halfSipHash(part, 1 - part, this.#bytes, 0, this.#end, true, this.#half);
      this.#hash.set(this.#half, part * 2);
    }
    this.#end = 16;
  }

  hex(): string {
    this.#close();
    return Array.from(this.#hash, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }
}

export function digestOf(state: LedgerState): string {
  const digest = new Digest();
  digest.number(state.head);
  digest.number(state.lastRecordedAt);
  digest.text(JSON.stringify(state.settings, Object.keys(state.settings).sort()));
  for (const { code, exponent } of state.currencies.custom) {
    digest.text(code);
    digest.number(exponent);
  }
  for (const [book, sequence] of state.books.all()) {
    digest.number(book);
    digest.number(sequence);
  }
  addAccounts(digest, state);
  addHolds(digest, state);
  return digest.hex();
}

function addAccounts(digest: Digest, { accounts }: LedgerState): void {
  digest.number(accounts.count);
  for (let number = 1; number <= accounts.count; number++) {
    digest.number(accounts.book(number));
    digest.text(accounts.name(number));
    digest.number(accounts.currency(number));
    digest.text(accounts.normalBalance(number));
    for (const counter of Object.values(Counter)) digest.amount(accounts.counter(number, counter));
    digest.number(accounts.version(number));
    const change = accounts.changeable(number);
    digest.number((change.open ? 1 : 0) + (change.hasMetadata ? 2 : 0));
    digest.amount(change.minBalance);
    digest.amount(change.maxBalance);
    digest.number(change.configVersion);
    digest.number(change.configPosition);
    digest.number(accounts.openedAt(number));
  }
}

function addHolds(digest: Digest, { parents }: LedgerState): void {
  const holds = parents.openHolds();
  digest.number(holds.length);
  for (const hold of holds) {
    digest.number(hold.position);
    digest.number(hold.book);
    digest.number(hold.expiresAt);
    for (const leg of hold.legs) {
      digest.number(leg.debit);
      digest.number(leg.credit);
      digest.number(leg.currency);
      for (const amount of [leg.held, leg.captured, leg.released, leg.reversed]) digest.amount(amount);
    }
  }
}
