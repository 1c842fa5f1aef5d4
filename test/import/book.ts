/**
 * The bank's file, where it lies beside the checkout; elsewhere one of the same shape that is made here. Both know what
 * the bank itself said: its balance of the account after each line.
 */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'csv-parse/sync';
import { writeBankCsv } from '../support/bank-csv.js';

const BANKS_OWN = resolve(import.meta.dirname, '../../../shared/data/bank-1993.csv');
const LINES = 14_125;

export interface Day {
  readonly account: string;
  /** RFC 3339, the moment before the next day. */
  readonly end: string;
  readonly balances: readonly number[];
  /** Lines of the account up to the end of this day: each may be off by the bank's rounding. */
  readonly linesBefore: number;
}

export interface Book {
  readonly file: string;
  readonly lines: number;
  readonly isTheBanks: boolean;
  /** Every day of every account on which something happened, in order; amounts in hundredths. */
  readonly days: readonly Day[];
}

/** Puts the file into the folder: an import writes beside it. */
export function bookIn(folder: string): Book {
  const file = join(folder, 'bank.csv');
  const isTheBanks = existsSync(BANKS_OWN);
  if (isTheBanks) copyFileSync(BANKS_OWN, file);
  else writeBankCsv(file, { lines: LINES, accounts: 1_500, seed: 1993 });
  const rows = parse(readFileSync(file), { delimiter: ';', columns: true }) as Readonly<Record<string, string>>[];
  return { file, lines: rows.length, isTheBanks, days: daysOf(rows) };
}

function daysOf(rows: readonly Readonly<Record<string, string>>[]): Day[] {
  const days = new Map<string, { account: string; end: string; balances: number[]; lines: number }>();
  for (const { account_id = '', date = '', balance = '' } of rows) {
    const end = `19${date.slice(0, 2)}-${date.slice(2, 4)}-${date.slice(4, 6)}T23:59:59.999999Z`;
    const day = days.get(`${account_id} ${end}`) ?? { account: `customer/${account_id}`, end, balances: [], lines: 0 };
    days.set(`${account_id} ${end}`, day);
    day.balances.push(Math.round(Number(balance) * 100));
    day.lines++;
  }
  const linesOf = new Map<string, number>();
  const inOrder = [...days.values()].sort((a, b) => (a.end < b.end ? -1 : a.end > b.end ? 1 : 0));
  return inOrder.map(({ account, end, balances, lines }) => {
    const linesBefore = (linesOf.get(account) ?? 0) + lines;
    linesOf.set(account, linesBefore);
    return { account, end, balances, linesBefore };
  });
}
