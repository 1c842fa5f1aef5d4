/**
 * Migrations: numbered files of SQL, applied in order, forward only; a published one is never edited. Each runs in its
 * own transaction and leaves a row in `migration`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DatabaseNewerError } from './errors.js';
import type { Session } from './session.js';
import { quoteName } from './session.js';

interface Migration {
  readonly number: number;
  /** As in "0001-log". */
  readonly name: string;
  readonly sql: string;
}

/** Right from src/store and from dist/store alike: the files are not compiled, so they stand in the package once. */
const FOLDER = new URL('../../src/store/migrations/', import.meta.url);

/** Classes of locks that Millrace takes by number (pg_advisory_lock(class, hashtext(schema))). */
export const LockClass = { migration: 1_299_346_274, owner: 1_299_346_275 } as const;

/**
 * Brings the tables of `schema` to this program's state, making the schema where it does not exist. The session's
 * search_path must name the schema. Any number of programs may do this at once.
 * @throws DatabaseNewerError where a newer program has been here; nothing is changed then
 */
export async function migrate(session: Session, schema: string): Promise<void> {
  const migrations = readMigrations();
  await session.transaction(async (tx) => {
    // CREATE … IF NOT EXISTS fails where two run it at once.
    await tx.query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LockClass.migration, schema]);
    await tx.exec(`
      CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};
      CREATE TABLE IF NOT EXISTS migration (
        number     int4 PRIMARY KEY,
        name       text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      );`);
  });
  const [newest] = await session.query('SELECT number, name FROM migration ORDER BY number DESC LIMIT 1');
  const known = migrations.at(-1);
  if (newest !== undefined && known !== undefined && Number(newest.number) > known.number) {
    throw new DatabaseNewerError(
      `the database is at migration ${String(newest.name)} and this program knows ${known.name} as the last: it was migrated by a newer Millrace; start that one`,
    );
  }
  for (const migration of migrations) {
    if (newest === undefined || migration.number > Number(newest.number)) await apply(session, migration);
  }
}

async function apply(session: Session, migration: Migration): Promise<void> {
  await session.transaction(async (tx) => {
    // Row first: its primary key makes a second program that starts now wait here, and then find the work done.
    const inserted = await tx.query(
      'INSERT INTO migration (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number',
      [migration.number, migration.name],
    );
    if (inserted.length === 1) await tx.exec(migration.sql);
  });
}

function readMigrations(): readonly Migration[] {
  const folder = fileURLToPath(FOLDER);
  const names = readdirSync(folder)
    .filter((file) => /^[0-9]{4}-.*\.sql$/.test(file))
    .sort();
  return names.map((file) => ({
    number: Number(file.slice(0, 4)),
    name: file.slice(0, -'.sql'.length),
    sql: readFileSync(new URL(file, FOLDER), 'utf8'),
  }));
}
