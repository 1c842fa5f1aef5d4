/** Empty shards on both kinds of database, and a log put into them by hand. */
import { readdirSync, readFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { migrate } from '../../../src/store/migrate.js';
import { createPgliteSql, PGLITE_OPTIONS } from '../../../src/store/pglite/sql.js';
import { connectSession } from '../../../src/store/postgres/session.js';
import { createPgSql } from '../../../src/store/postgres/sql.js';
import { SCHEMA } from '../../../src/store/session.js';
import type { Sql } from '../../../src/store/sql.js';
import { startTestPostgres } from '../../support/postgres.js';
import { sealAgain } from '../../support/seals.js';
import type { ModelRecord } from './model.js';

export interface TestDatabases {
  /** A new shard without records. */
  create(): Promise<Sql>;
  /** Another way to the shard last made, as the engine's threads have. */
  another(): Sql;
  readonly lastUrl: string | null;
  stop(): Promise<void>;
}

const PARTITIONS = ['MINVALUE', '200', '400', '100000'];

/** Small partitions, so that every test goes over their borders. */
async function partition(sql: Sql): Promise<void> {
  await sql.query(
    `INSERT INTO shard (log_id, name, slots, hash_key, partition_records)
     VALUES (7, 'shard-0', '{[0,16384)}', decode('000102030405060708090a0b0c0d0e0f', 'hex'), 200)`,
  );
  for (let index = 0; index + 1 < PARTITIONS.length; index++) {
    const name = `log_p${index}`;
    await sql.query(
      `CREATE TABLE ${name} PARTITION OF log FOR VALUES FROM (${PARTITIONS[index]}) TO (${PARTITIONS[index + 1]})`,
    );
    await sql.query(`CREATE INDEX ON ${name} (position)`);
    await sql.query(`CREATE INDEX ON ${name} (parent, position) WHERE parent IS NOT NULL`);
    await sql.query(`CREATE INDEX ON ${name} (debit) WHERE kind = 9`);
  }
}

export async function startPostgresShards(): Promise<TestDatabases> {
  const server = await startTestPostgres({ settings: { fsync: 'off' } });
  const opened: Sql[] = [];
  let lastUrl: string | null = null;
  const connect = (url: string): Sql => {
    const sql = createPgSql({ url, applicationName: 'folds test' });
    opened.push(sql);
    return sql;
  };
  return {
    get lastUrl() {
      return lastUrl;
    },
    create: async () => {
      lastUrl = await server.createDatabase();
      const session = await connectSession({ url: lastUrl, applicationName: 'folds test' });
      await migrate(session, SCHEMA);
      await session.close();
      const sql = connect(lastUrl);
      await partition(sql);
      return sql;
    },
    another: () => connect(lastUrl ?? ''),
    stop: async () => {
      for (const sql of opened) await sql.close();
      await server.stop();
    },
  };
}

export function startPgliteShards(): TestDatabases {
  const opened: PGlite[] = [];
  const folder = new URL('../../../src/store/migrations/', import.meta.url);
  return {
    lastUrl: null,
    create: async () => {
      const database = await PGlite.create(PGLITE_OPTIONS);
      opened.push(database);
      await database.exec(`CREATE SCHEMA ${SCHEMA}; SET search_path = ${SCHEMA}; SET timezone = 'UTC'`);
      for (const file of readdirSync(folder).sort()) await database.exec(readFileSync(new URL(file, folder), 'utf8'));
      const sql = createPgliteSql(database);
      await partition(sql);
      return sql;
    },
    another: () => {
      const last = opened.at(-1);
      if (last === undefined) throw new Error('no shard was made yet');
      return createPgliteSql(last);
    },
    stop: async () => {
      for (const database of opened) await database.close();
    },
  };
}

const time = (micros: number): string =>
  `${new Date(Math.floor(micros / 1000)).toISOString().slice(0, -1)}${String(micros % 1000).padStart(3, '0')}Z`;

function rowOf(record: ModelRecord, currencyOf: (account: number) => number): Record<string, unknown> {
  const [first, ...more] = record.legs;
  return {
    position: record.position,
    sequence: record.sequence,
    recorded_at: time(record.at),
    fingerprint: record.fingerprint === null ? null : String(record.fingerprint),
    amount: first === undefined ? null : String(first.amount),
    released: first === undefined || first.released === 0n ? null : String(first.released),
    parent: record.parent,
    effective_at: record.effective === null ? null : time(record.effective),
    expires_at: record.expires === null ? null : time(record.expires),
    book: record.book,
    debit: first?.debit ?? record.account,
    credit: first?.credit ?? null,
    kind: record.kind,
    currency: first === undefined ? null : currencyOf(first.debit),
    code: record.code === 0 ? null : record.code,
    flags: record.flags === 0 ? null : record.flags,
    leg: first === undefined || first.leg === 0 ? null : first.leg,
    more_legs:
      more.length === 0
        ? null
        : more.flatMap((leg) =>
            [leg.leg, leg.debit, leg.credit, currencyOf(leg.debit), leg.amount, leg.released].map(String),
          ),
    details: record.details,
    key: record.key,
    reference: record.reference,
    description: record.description,
    metadata: record.metadata,
  };
}

/** Commits records as one batch; `details` and `metadata` go in as they are, byte for byte. */
export async function commitBatch(
  sql: Sql,
  records: readonly ModelRecord[],
  currencyOf: (account: number) => number,
): Promise<void> {
  const first = records[0];
  const last = records.at(-1);
  if (first === undefined || last === undefined) return;
  await sql.query(
    `WITH b AS (INSERT INTO batch (prev, last, epoch, hash, digest, marks) VALUES ($1, $2, 1, 0, '', ''))
     INSERT INTO log (position, sequence, recorded_at, fingerprint, amount, released, parent, effective_at, expires_at, book, debit,
                      credit, kind, currency, code, flags, leg, more_legs, details, key, reference, description, metadata)
     SELECT r.position, r.sequence, r.recorded_at, r.fingerprint, r.amount, r.released, r.parent, r.effective_at, r.expires_at, r.book,
            r.debit, r.credit, r.kind, r.currency, r.code, r.flags, r.leg, r.more_legs, r.details::json, r.key, r.reference,
            r.description, r.metadata::json
       FROM json_to_recordset($3::text::json) AS r(position int8, sequence int8, recorded_at timestamptz, fingerprint int8, amount int8,
            released int8, parent int8, effective_at timestamptz, expires_at timestamptz, book int4, debit int4, credit int4, kind int2,
            currency int2, code int2, flags int2, leg int2, more_legs int8[], details text, key text, reference text, description text,
            metadata text)`,
    [first.position - 1, last.position, JSON.stringify(records.map((record) => rowOf(record, currencyOf)))],
  );
  await sealAgain(sql, first.position);
}
