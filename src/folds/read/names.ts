/** Names of accounts and codes of currencies by number. Both never change, so what was once read is kept. */
import { currencyByNumber } from '../../ledger/currency.js';
import type { Sql, SqlRow } from '../../store/sql.js';
import { arrayText, toNumber } from './row.js';

/** About 100 bytes each. */
const ACCOUNTS_KEPT_MAX = 50_000;

export class Names {
  readonly #accounts = new Map<number, string>();
  readonly #currencies = new Map<number, string>();

  constructor(readonly sql: Sql) {}

  /** Reads what is not known yet, in a bounded number of statements. */
  async load(accounts: ReadonlySet<number>, currencies: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    await this.#loadCurrencies(currencies);
    return this.#loadAccounts(accounts);
  }

  async #loadAccounts(numbers: ReadonlySet<number>): Promise<ReadonlyMap<number, string>> {
    const names = new Map<number, string>();
    const missing = new Set<number>();
    for (const number of numbers) {
      const known = this.#accounts.get(number);
      if (known === undefined) missing.add(number);
      else names.set(number, known);
    }
    if (missing.size > 0) await this.#read(missing, names);
    for (const number of missing) throw new Error(`account ${number} stands in the log and was never opened`);
    return names;
  }

  /** Names go from what is missing to what is found. */
  async #read(missing: Set<number>, names: Map<number, string>): Promise<void> {
    const found = (row: SqlRow): void => {
      const number = toNumber(row.number);
      missing.delete(number);
      names.set(number, String(row.name));
      this.#keep(number, String(row.name));
    };
    const numbers = arrayText(missing);
    const folded = await this.sql.query(
      `SELECT f.position AS folded, a.number, a.name
         FROM fold f LEFT JOIN account a ON a.number = ANY ($1::text::int4[]) WHERE f.name = 'balances'`,
      [numbers],
    );
    for (const row of folded) if (row.number !== null) found(row);
    if (missing.size === 0) return;
    // Opened after the fold's cursor, in whose snapshot they were missing: the record that opened it has the name.
    const opened = await this.sql.query(
      `SELECT debit AS number, details ->> 'name' AS name
         FROM log WHERE position > $1 AND kind = 9 AND debit = ANY ($2::text::int4[])`,
      [toNumber(folded[0]?.folded), numbers],
    );
    for (const row of opened) found(row);
  }

  #keep(number: number, name: string): void {
    if (this.#accounts.size >= ACCOUNTS_KEPT_MAX) {
      // The oldest go; a Map keeps the order of insertion.
      for (const old of this.#accounts.keys()) {
        this.#accounts.delete(old);
        if (this.#accounts.size <= ACCOUNTS_KEPT_MAX / 2) break;
      }
    }
    this.#accounts.set(number, name);
  }

  /** The code of a currency that was loaded. */
  currency(number: number): string {
    const code = currencyByNumber(number)?.code ?? this.#currencies.get(number);
    if (code === undefined) throw new Error(`currency ${number} stands in the log and was never configured`);
    return code;
  }

  async #loadCurrencies(numbers: ReadonlySet<number>): Promise<void> {
    const known = (number: number): boolean => currencyByNumber(number) !== undefined || this.#currencies.has(number);
    if ([...numbers].every(known)) return;
    // The operator's own: those that are folded, then those of `configured` records after the cursor, in order.
    const rows = await this.sql.query(
      `SELECT number, code, 0 AS place, 0::int8 AS position FROM currency WHERE number > 1000
       UNION ALL
       SELECT 0, c.entry ->> 'code', c.place, l.position
         FROM log l, json_array_elements(l.details -> 'customCurrencies') WITH ORDINALITY AS c(entry, place)
        WHERE l.kind = 16 AND l.position > (SELECT position FROM fold WHERE name = 'balances')
        ORDER BY 4, 1, 3`,
    );
    const codes = new Set(this.#currencies.values());
    let next = 1001;
    for (const row of rows) {
      const code = String(row.code);
      if (toNumber(row.number) > 0) next = toNumber(row.number);
      else if (codes.has(code)) continue;
      codes.add(code);
      this.#currencies.set(next++, code);
    }
  }
}
