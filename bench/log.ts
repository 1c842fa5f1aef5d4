/** What the databases say of the engine's work: how much is stored, how far the folds are, and whether it holds. */
import { setTimeout as delay } from 'node:timers/promises';
import { VERIFY_SETTINGS, verifyShard } from '../src/folds/verify/verify.js';
import { messageOf } from '../src/platform/errors.js';
import { createPgSql } from '../src/store/postgres/sql.js';
import type { Engine } from './engine.js';
import { SHARDS } from './engine.js';
import type { LagSample } from './figures/schema.js';

/** Transactions and remembered refusals in the log, over all shards. */
export async function countLog(engine: Engine): Promise<{ posted: number; refused: number }> {
  const sum = { posted: 0, refused: 0 };
  for (const database of engine.databases) {
    const { rows } = await database.query(`
      SELECT count(*) FILTER (WHERE kind BETWEEN 1 AND 7) AS posted, count(*) FILTER (WHERE kind = 8) AS refused
        FROM millrace.log`);
    sum.posted += Number(rows[0]?.posted ?? 0);
    sum.refused += Number(rows[0]?.refused ?? 0);
  }
  return sum;
}

/** Without a look at the log itself: cheap enough between two rounds. */
export async function countCommits(engine: Engine): Promise<{ records: number; commits: number }> {
  const sum = { records: 0, commits: 0 };
  for (const database of engine.databases) {
    const { rows } = await database.query(
      'SELECT coalesce(max(last), 0) AS records, count(*) AS commits FROM millrace.batch',
    );
    sum.records += Number(rows[0]?.records ?? 0);
    sum.commits += Number(rows[0]?.commits ?? 0);
  }
  return sum;
}

/** Written to the log of changes (WAL) since the servers were made, over all of them. */
export const walBytes = (engine: Engine): Promise<number> =>
  sumOver(engine, "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS sum");

/** On disk: files of the log of changes (WAL), also those that are kept to be used again. */
export const walFileBytes = (engine: Engine): Promise<number> =>
  sumOver(engine, 'SELECT sum(size) AS sum FROM pg_ls_waldir()');

/** On disk: tables of the engine's schema, with their indexes and what is stored out of line. */
export const tableBytes = (engine: Engine): Promise<number> =>
  sumOver(
    engine,
    `SELECT sum(pg_total_relation_size(c.oid)) AS sum FROM pg_class c
      WHERE c.relnamespace = 'millrace'::regnamespace AND c.relkind = 'r'`,
  );

async function sumOver(engine: Engine, query: string): Promise<number> {
  const sums = await Promise.all(engine.databases.map(async (database) => (await database.query(query)).rows[0]?.sum));
  return sums.reduce((total: number, sum) => total + Number(sum), 0);
}

/**
 * "clean", the shard and name of the first check that failed, or why it could not be done in time. By sessions of its
 * own, so that it can be given up.
 */
export async function verify(engine: Engine, maxMs: number): Promise<string> {
  const options = {
    applicationName: 'bench verify',
    connectionsMax: 1,
    settings: { ...VERIFY_SETTINGS, statement_timeout: String(maxMs) },
  };
  const until = performance.now() + maxMs;
  const verdicts = await Promise.all(
    engine.databaseUrls.map(async (url, shard) => {
      const sql = createPgSql({ url, ...options });
      try {
        for await (const { check, ok } of verifyShard(sql)) {
          if (!ok) return `${SHARDS[shard] ?? ''}: ${check}`;
          if (performance.now() > until) return `not done within ${Math.round(maxMs / 1000)} s`;
        }
        return 'clean';
      } catch (error) {
        return `not done: ${messageOf(error)}`;
      } finally {
        await sql.close();
      }
    }),
  );
  return verdicts.find((verdict) => verdict !== 'clean') ?? 'clean';
}

/** How far the folds are behind. */
export interface FoldLag {
  /** Over all shards. */
  readonly records: number;
  /** How old the first record is that is not folded, on the shard that is furthest behind. */
  readonly ms: number;
}

export async function foldLag(engine: Engine): Promise<FoldLag> {
  const lags = await Promise.all(
    engine.databases.map(async (database) => {
      const { rows } = await database.query(`
        SELECT head.last - folded.position AS records,
               (SELECT extract(epoch FROM clock_timestamp() - l.recorded_at) * 1000
                  FROM millrace.log l WHERE l.position = folded.position + 1) AS ms
          FROM (SELECT last FROM millrace.batch ORDER BY prev DESC LIMIT 1) AS head,
               (SELECT min(position) AS position FROM millrace.fold) AS folded`);
      return { records: Math.max(0, Number(rows[0]?.records ?? 0)), ms: Math.max(0, Number(rows[0]?.ms ?? 0)) };
    }),
  );
  return {
    records: lags.reduce((sum, { records }) => sum + records, 0),
    ms: Math.round(Math.max(...lags.map(({ ms }) => ms))),
  };
}

/** Looks at the folds again and again while a measurement runs. */
export class FoldWatch {
  readonly samples: LagSample[] = [];
  readonly #engine: Engine;
  readonly #began = performance.now();
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;

  constructor(engine: Engine, everyMs: number) {
    this.#engine = engine;
    this.#done = this.#watch(everyMs);
  }

  /** @returns the lag at the end */
  async stop(): Promise<FoldLag> {
    this.#stopped.abort();
    await this.#done;
    return this.#look();
  }

  async #watch(everyMs: number): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#look();
      await delay(everyMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<FoldLag> {
    const lag = await foldLag(this.#engine);
    this.samples.push({ second: Math.round((performance.now() - this.#began) / 10) / 100, ...lag });
    return lag;
  }
}

/** What the databases' sessions call themselves, by process id. */
export async function sessionNames(engine: Engine): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  for (const database of engine.databases) {
    const { rows } = await database.query(
      "SELECT pid, application_name FROM pg_stat_activity WHERE backend_type = 'client backend'",
    );
    for (const row of rows) names.set(Number(row.pid), String(row.application_name));
  }
  return names;
}
