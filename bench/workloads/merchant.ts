/** The requests of one merchant, as texts: heads are made once, since a generator's time is taken from the engine. */
import { accountName, OUTSIDE_ACCOUNT } from '../../src/cli/bench/requests.js';
import type { SourceContext } from './workload.js';

export class Merchant {
  readonly #common: string;
  readonly #single: string;
  readonly #batch: string;

  constructor(host: string, key: string) {
    this.#common = `HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n`;
    const json = `${this.#common}Content-Type: application/json\r\n`;
    this.#single = `POST /v1/transactions ${json}Idempotency-Key: `;
    this.#batch = `POST /v1/transactions/batch ${json}Content-Length: `;
  }

  /** `POST /v1/transactions` @param members of the body after its legs, such as `,"pending":true` */
  post(number: string, legs: string, members = ''): string {
    const body = `{"legs":[${legs}]${members}}`;
    return `${this.#single}${number}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  }

  /** `POST /v1/transactions/batch`, independent. @param items each of {@link item} */
  batch(items: readonly string[]): string {
    const body = `{"transactions":[${items.join(',')}]}`;
    return `${this.#batch}${body.length}\r\n\r\n${body}`;
  }

  /** `POST /v1/transactions/{id}/capture` of all that is held. */
  capture(number: string, id: string): string {
    return `POST /v1/transactions/${id}/capture ${this.#common}Content-Type: application/json\r\nIdempotency-Key: ${number}\r\nContent-Length: 2\r\n\r\n{}`;
  }

  /** `GET /v1/accounts/{name}` */
  balance(account: number): string {
    return `GET /v1/accounts/${encodeURIComponent(accountName(account))} ${this.#common}\r\n`;
  }
}

export const merchantsOf = ({ host, keys }: SourceContext): Merchant[] => keys.map((key) => new Merchant(host, key));

export const item = (number: string, index: number, legs: string): string =>
  `{"idempotency_key":"${number}-${String(index).padStart(4, '0')}","legs":[${legs}]}`;

/** From the account outside. @param account from 1 */
export const deposit = (account: number): string => leg(OUTSIDE_ACCOUNT, accountName(account));

/** @param from and @param to from 1 */
export const transfer = (from: number, to: number): string => leg(accountName(from), accountName(to));

export const leg = (debit: string, credit: string): string =>
  `{"debit":"${debit}","credit":"${credit}","amount":125,"currency":"EUR"}`;

/** One of the merchants in turn, so that all shards are loaded at any time. @param merchants at least one */
export function inTurn(merchants: readonly Merchant[]): () => Merchant {
  let turn = 0;
  return () => at(merchants, turn++ % merchants.length);
}

/** @throws RangeError where there is none of this number */
export function at(merchants: readonly Merchant[], index: number): Merchant {
  const merchant = merchants[index];
  if (merchant === undefined) throw new RangeError(`no merchant ${index} of ${merchants.length}`);
  return merchant;
}
