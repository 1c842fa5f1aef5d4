/** Tables of the control log. Forward only; a published step is never edited. Each runs in one transaction. */
import { ControlRequestError } from '../../platform/errors.js';
import type { Sql } from '../sql.js';

const STEPS: readonly string[] = [
  // json, not jsonb: a record stays as it was written.
  `CREATE TABLE control.log (
     position    int8 PRIMARY KEY,
     recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     kind        text NOT NULL,
     body        json NOT NULL
   )`,
];

/** Starters at once wait here for each other. */
const ADVISORY_LOCK = 1_835_625_580;

/**
 * Brings the schema to this program's version.
 * @throws ControlRequestError where the database is newer than the program
 */
export async function migrateControl(sql: Sql): Promise<void> {
  for (const [index, step] of STEPS.entries()) {
    const number = index + 1;
    await sql.query(`DO $migration$ BEGIN
      PERFORM pg_advisory_xact_lock(${ADVISORY_LOCK});
      IF to_regclass('control.migration') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS control;
        CREATE TABLE control.migration (number int4 PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
      END IF;
      IF NOT EXISTS (SELECT FROM control.migration WHERE number = ${number}) THEN
        ${step};
        INSERT INTO control.migration (number) VALUES (${number});
      END IF;
    END $migration$`);
  }
  const [newest] = await sql.query('SELECT max(number)::int4 AS number FROM control.migration');
  if (Number(newest?.number) > STEPS.length) {
    throw new ControlRequestError('the control database was made by a newer Millrace; start that one');
  }
}
