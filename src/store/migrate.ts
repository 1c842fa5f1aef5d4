/**
 * Migrations: numbered files of SQL, applied in order, forward only; a published one is never edited. Each runs in its
 * own transaction and leaves a row in `migration`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

/** The files are not compiled: they stand in the package once, wherever below it this module has been built to. */
const FOLDER_IN_PACKAGE = join('src', 'store', 'migrations');

/** Another program's migration may take longer than the session would wait for other things. */
const PATIENT = 'SET LOCAL lock_timeout = 0';

/** Classes of locks that Millrace takes by number (pg_advisory_lock(class, hashtext(schema))). */
export const LockClass = { migration: 1_299_346_274, owner: 1_299_346_275, detach: 1_299_346_276 } as const;

/**
 * Brings the tables of `schema` to this program's state, making the schema where it does not exist. The session's
 * search_path must name the schema. Any number of programs may do this at once.
 * @throws DatabaseNewerError where a newer program has been here; nothing is changed then
 */
export async function migrate(session: Session, schema: string): Promise<void> {
  const migrations = readMigrations();
  await session.transaction(async (tx) => {
    await tx.exec(PATIENT);
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
    await tx.exec(PATIENT);
    // Row first: its primary key makes a second program that starts now wait here, and then find the work done.
    const inserted = await tx.query(
      'INSERT INTO migration (number, name) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING number',
      [migration.number, migration.name],
    );
    if (inserted.length === 1) await tx.exec(migration.sql);
  });
}

function readMigrations(): readonly Migration[] {
  const folder = findFolder();
  const files = readdirSync(folder)
    .filter((file) => /^[0-9]{4}-.*\.sql$/.test(file))
    .sort();
  return files.map((file) => ({
    number: Number(file.slice(0, 4)),
    name: file.slice(0, -'.sql'.length),
    sql: readFileSync(join(folder, file), 'utf8'),
  }));
}

function findFolder(): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const folder = join(at, FOLDER_IN_PACKAGE);
    if (existsSync(folder)) return folder;
    if (at === dirname(at)) throw new Error(`this installation is not whole: ${FOLDER_IN_PACKAGE} is missing`);
  }
}
