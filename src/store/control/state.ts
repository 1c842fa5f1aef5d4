/** The control log's records and their fold: merchants, their books, API keys. Pure. */

export type Environment = 'test' | 'live';
export type Scope = 'force';

/** Body of a record, by kind. Kinds and fields are stored: never renamed. */
export type ControlEntry =
  | {
      readonly kind: 'merchant_created';
      readonly merchant: string;
      /** Numbers of its two books; int4, given once ever. */
      readonly test_book: number;
      readonly live_book: number;
    }
  | {
      readonly kind: 'key_created';
      readonly id: string;
      /** SHA-256 of the whole key, hex. */
      readonly hash: string;
      readonly merchant: string;
      readonly environment: Environment;
      readonly scopes: readonly Scope[];
    }
  | { readonly kind: 'key_revoked'; readonly id: string };

/** A record: an entry at its gapless place. */
export interface ControlRecord {
  readonly position: number;
  /** µs. */
  readonly recordedAt: number;
  readonly entry: ControlEntry;
}

export interface ControlMerchant {
  readonly merchant: string;
  readonly testBook: number;
  readonly liveBook: number;
}

export interface ControlKey {
  readonly id: string;
  readonly hash: string;
  readonly merchant: string;
  readonly environment: Environment;
  /** Number of the merchant's book in this environment. */
  readonly book: number;
  readonly scopes: readonly Scope[];
  /** µs. */
  readonly createdAt: number;
  readonly revoked: boolean;
}

export class ControlState {
  readonly merchants = new Map<string, ControlMerchant>();
  readonly keys = new Map<string, ControlKey>();
  /** Position of the last record folded. */
  position = 0;
  #lastBook = 0;

  /** The next two numbers that no book has had. */
  get nextBooks(): readonly [test: number, live: number] {
    return [this.#lastBook + 1, this.#lastBook + 2];
  }

  /** @throws Error where the record is not the next one: a hole must never be folded over */
  fold({ position, recordedAt, entry }: ControlRecord): void {
    if (position !== this.position + 1) {
      throw new Error(`the control log has record ${position} after ${this.position}`);
    }
    this.position = position;
    switch (entry.kind) {
      case 'merchant_created':
        this.#lastBook = Math.max(this.#lastBook, entry.test_book, entry.live_book);
        this.merchants.set(entry.merchant, {
          merchant: entry.merchant,
          testBook: entry.test_book,
          liveBook: entry.live_book,
        });
        break;
      case 'key_created': {
        const { id, hash, merchant, environment, scopes } = entry;
        const owner = this.merchants.get(merchant);
        if (owner === undefined) throw new Error(`key ${id} of the control log has no merchant`);
        const book = environment === 'test' ? owner.testBook : owner.liveBook;
        this.keys.set(id, { id, hash, merchant, environment, book, scopes, createdAt: recordedAt, revoked: false });
        break;
      }
      case 'key_revoked': {
        const key = this.keys.get(entry.id);
        if (key !== undefined) this.keys.set(entry.id, { ...key, revoked: true });
        break;
      }
      default:
        throw new Error(`the control log has a record of a newer Millrace: ${(entry as { kind: string }).kind}`);
    }
  }
}

const MERCHANT = /^[A-Za-z0-9._:@+-]*(\{[A-Za-z0-9._:@+-]+\})?[A-Za-z0-9._:@+-]*$/;

/** 1 to 128 of the alphabet of account names without slashes; one `{…}` (its slot is then that of what is inside). */
export function isMerchantId(text: string): boolean {
  return text.length >= 1 && text.length <= 128 && text !== '.' && text !== '..' && MERCHANT.test(text);
}
