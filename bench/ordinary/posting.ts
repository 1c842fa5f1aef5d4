/** A posting the ordinary way: one SQL transaction a request, its accounts locked in the order of their ids. */
import { createHash } from 'node:crypto';
import type pg from 'pg';

export interface Leg {
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly currency: string;
}

export interface Posted {
  readonly id: string;
  readonly createdAt: Date;
  readonly legs: readonly Leg[];
  readonly replayed: boolean;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly min_balance: string | null;
  readonly debits: string;
  readonly credits: string;
}

interface TransactionRow {
  readonly id: string;
  readonly created_at: Date;
}

// Named, so that each session parses and plans them once.
const CLAIM = {
  name: 'claim',
  text: `INSERT INTO transaction (merchant, idempotency_key, fingerprint, legs) VALUES ($1, $2, $3, $4)
         ON CONFLICT (merchant, idempotency_key) DO NOTHING RETURNING id, created_at`,
};
const LOCK = {
  name: 'lock',
  text: `SELECT id, name, currency, min_balance, debits, credits FROM account
          WHERE merchant = $1 AND name = ANY($2) ORDER BY id FOR UPDATE`,
};
const BOOK = {
  name: 'book',
  text: `WITH change AS (SELECT * FROM unnest($2::int8[], $3::int8[], $4::int8[]) AS c(account, debit, credit)),
         changed AS (UPDATE account a SET debits = a.debits + c.debit, credits = a.credits + c.credit
                       FROM change c WHERE a.id = c.account
                  RETURNING a.id, c.debit, c.credit, a.credits - a.debits AS balance)
         INSERT INTO entry (account, transaction, debit, credit, balance)
         SELECT id, $1, debit, credit, balance FROM changed`,
};
const EARLIER = {
  name: 'earlier',
  text: 'SELECT id, created_at, fingerprint, legs FROM transaction WHERE merchant = $1 AND idempotency_key = $2',
};

/** @throws Refused */
export async function post(pool: pg.Pool, merchant: number, key: string, legs: readonly Leg[]): Promise<Posted> {
  const json = JSON.stringify(legs);
  const fingerprint = createHash('sha256').update(json).digest();
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const claimed = await client.query<TransactionRow>({ ...CLAIM, values: [merchant, key, fingerprint, json] });
    const row = claimed.rows[0];
    if (row === undefined) {
      await client.query('ROLLBACK');
      return await replay(client, merchant, key, fingerprint);
    }
    await book(client, merchant, row.id, legs);
    await client.query('COMMIT');
    return { id: row.id, createdAt: row.created_at, legs, replayed: false };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}

async function book(client: pg.PoolClient, merchant: number, id: string, legs: readonly Leg[]): Promise<void> {
  const names = [...new Set(legs.flatMap(({ debit, credit }) => [debit, credit]))];
  const { rows } = await client.query<AccountRow>({ ...LOCK, values: [merchant, names] });
  const byName = new Map(rows.map((row) => [row.name, row]));
  const changes = new Map<AccountRow, { debit: bigint; credit: bigint }>();
  const change = (name: string, currency: string) => {
    const account = byName.get(name);
    if (account === undefined) throw new Refused(422, 'unknown_account');
    if (account.currency !== currency) throw new Refused(422, 'currency_mismatch');
    const known = changes.get(account) ?? { debit: 0n, credit: 0n };
    changes.set(account, known);
    return known;
  };
  for (const { debit, credit, amount, currency } of legs) {
    change(debit, currency).debit += BigInt(amount);
    change(credit, currency).credit += BigInt(amount);
  }
  for (const [account, { debit, credit }] of changes) {
    const balance = BigInt(account.credits) - BigInt(account.debits) + credit - debit;
    if (account.min_balance !== null && debit > credit && balance < BigInt(account.min_balance)) {
      throw new Refused(422, 'insufficient_funds');
    }
  }
  const all = [...changes];
  await client.query({
    ...BOOK,
    values: [
      id,
      all.map(([account]) => account.id),
      all.map(([, { debit }]) => String(debit)),
      all.map(([, { credit }]) => String(credit)),
    ],
  });
}

async function replay(client: pg.PoolClient, merchant: number, key: string, fingerprint: Buffer): Promise<Posted> {
  const { rows } = await client.query<TransactionRow & { fingerprint: Buffer; legs: Leg[] }>({
    ...EARLIER,
    values: [merchant, key],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('a key that is taken has no transaction');
  if (!row.fingerprint.equals(fingerprint)) throw new Refused(422, 'idempotency_key_reused');
  return { id: row.id, createdAt: row.created_at, legs: row.legs, replayed: true };
}
