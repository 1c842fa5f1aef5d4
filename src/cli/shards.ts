/** `millrace shards`: the map of slots and how each shard is. From the engine where one runs, from SQL for the rest. */
import { setTimeout as delay } from 'node:timers/promises';
import { breakerState } from '../platform/breaker.js';
import type { Config } from '../platform/config/config.js';
import { DataFolderHeldError, EngineNotRunningError, messageOf } from '../platform/errors.js';
import { callEngine } from '../platform/lock.js';
import type { Log } from '../platform/log.js';
import type { Sql } from '../store/sql.js';
import type { Databases } from './databases.js';
import { openDatabases } from './databases.js';
import type { CommandIo } from './io.js';
import { textTable } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

/** What an engine says of a shard; see its `shards` request. */
interface EngineShard {
  readonly name: string;
  readonly state: string;
  readonly epoch: number;
  readonly position: number;
  readonly lagRecords: number | null;
  readonly foldRestMs: number;
  readonly error: string | null;
  readonly code: string | null;
  readonly attempts: number;
  readonly nextAttemptAt: number | null;
}
interface SqlShard {
  readonly bytes: number;
  readonly position: number;
  readonly folded: number;
  readonly epoch: number;
  readonly owner: string;
}

/** Between the two looks that the rate is taken from. */
const RATE_MS = 1000;
/** A server that hangs is one of the things that this command is to show. */
const ANSWER_MS_MAX = 2_000;
const CLOSE_MS_MAX = 500;
const HEADER = ['SHARD', 'SLOTS', 'STATE', 'SIZE', 'POSITION', 'LAG', 'EPOCH', 'OWNER', 'RATE', 'BREAKER'];

/** @returns the exit code: 0, or 1 where a shard cannot be read */
export async function shardsCommand(config: Config, io: CommandIo, log: Log): Promise<number> {
  const before = await engineShards(config.dataDir);
  const databases = await openDatabases(config, log, ANSWER_MS_MAX).catch((error: unknown) => {
    // A running engine that has its databases to itself has said all that there is.
    if (before !== null && error instanceof DataFolderHeldError) return null;
    throw error;
  });
  try {
    const earlier = await look(config, databases, before, []);
    // Nobody writes to databases that only this command keeps running.
    const still = before === null && config.store.kind !== 'postgres';
    if (!still) await delay(RATE_MS);
    const later = still ? earlier : await look(config, databases, await engineShards(config.dataDir), earlier);
    const rows = later.map((row, index) => cells(row, earlier[index] ?? row));
    io.stdout.write(textTable(HEADER, rows));
    const failed = later.filter(({ error }) => error !== null);
    for (const { name, error } of failed) io.stderr.write(`${name}: ${error ?? ''}\n`);
    return failed.length === 0 ? ExitCode.ok : ExitCode.failed;
  } finally {
    // With an engine there is nothing to stop, and a server that hangs must not hold up what the engine says.
    await (before === null ? databases?.close() : Promise.race([databases?.close(), delay(CLOSE_MS_MAX)]));
  }
}

interface Look {
  readonly name: string;
  readonly slots: string;
  readonly atMs: number;
  readonly engine: EngineShard | null;
  readonly sql: SqlShard | null;
  readonly error: string | null;
  /** Why its database could not be read. */
  readonly silent: string | null;
}

function look(
  config: Config,
  databases: Databases | null,
  engine: readonly EngineShard[] | null,
  earlier: readonly Look[],
): Promise<readonly Look[]> {
  return Promise.all(
    config.shards.map(async ({ name, slots }, index): Promise<Look> => {
      const known = engine?.find((shard) => shard.name === name) ?? null;
      const seen = { name, slots, engine: known, atMs: performance.now() };
      // A database that did not answer a moment ago is not waited for a second time.
      const silent = earlier[index]?.silent ?? null;
      if (silent !== null) return { ...seen, sql: null, error: silent, silent };
      const sql = databases?.shards.find((shard) => shard.name === name)?.sql;
      try {
        const read = sql === undefined ? null : await soon(readShard(sql));
        return { ...seen, sql: read, error: known === null ? null : errorText(known), silent: null };
      } catch (error) {
        return { ...seen, sql: null, error: messageOf(error), silent: messageOf(error) };
      }
    }),
  );
}

async function soon<T>(answer: Promise<T>): Promise<T> {
  const ac = new AbortController();
  const late = delay(ANSWER_MS_MAX, undefined, { signal: ac.signal }).then(() => {
    throw new Error(`its database does not answer within ${ANSWER_MS_MAX} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    ac.abort();
    // Whichever came too late has nobody to tell.
    answer.catch(() => undefined);
    late.catch(() => undefined);
  }
}

function cells(now: Look, before: Look): readonly string[] {
  const position = positionOf(now);
  const seconds = (now.atMs - before.atMs) / 1000;
  const rate = position === null || seconds <= 0 ? 0 : (position - (positionOf(before) ?? position)) / seconds;
  return [
    now.name,
    now.slots,
    now.engine?.state ?? (now.error === null ? 'no engine here' : 'unreachable'),
    now.sql === null ? '-' : sizeText(now.sql.bytes),
    numberText(position),
    lagText(now),
    numberText(now.sql?.epoch ?? now.engine?.epoch),
    now.sql?.owner.slice(0, 8) ?? '-',
    `${Math.round(rate).toLocaleString('en')}/s`,
    now.engine === null ? '-' : breakerText(now.engine),
  ];
}

const errorText = ({ code, error }: EngineShard): string | null =>
  error === null || code === null ? error : `${code}: ${error}`;

/** Commits that wait for the folds are no fault, and slower than they could be: whoever asks why looks here. */
function lagText({ sql, engine }: Look): string {
  const records = numberText(sql === null ? engine?.lagRecords : Math.max(0, sql.position - sql.folded));
  return engine !== null && engine.foldRestMs > 0 ? `${records}, commits rest` : records;
}

/** "closed"; or how many attempts failed, and when the next one comes. */
function breakerText({ attempts, nextAttemptAt }: EngineShard): string {
  const state = breakerState(attempts, nextAttemptAt).replace('_', '-');
  if (attempts === 0) return state;
  const next = nextAttemptAt === null ? 'now' : `in ${Math.max(0, Math.round(nextAttemptAt - Date.now()))} ms`;
  return `${state}: ${attempts} failed, next ${next}`;
}

const positionOf = ({ sql, engine }: Look): number | null => sql?.position ?? engine?.position ?? null;

const numberText = (value: number | null | undefined): string => value?.toLocaleString('en') ?? '-';

const sizeText = (bytes: number): string =>
  bytes < 1 << 30 ? `${(bytes / (1 << 20)).toFixed(1)} MiB` : `${(bytes / (1 << 30)).toFixed(1)} GiB`;

async function engineShards(folder: string): Promise<readonly EngineShard[] | null> {
  try {
    return (await callEngine(folder, { do: 'shards' })) as readonly EngineShard[];
  } catch (error) {
    if (error instanceof EngineNotRunningError) return null;
    throw error;
  }
}

async function readShard(sql: Sql): Promise<SqlShard | null> {
  const [made] = await sql.query(`SELECT to_regclass('fence') IS NOT NULL AND to_regclass('fold') IS NOT NULL AS made`);
  if (made?.made !== true) return null;
  const [row] = await sql.query(
    `SELECT pg_database_size(current_database()) AS bytes,
            coalesce((SELECT max(last) FROM batch), 0) AS position,
            coalesce((SELECT position FROM fold WHERE name = 'balances'), 0) AS folded,
            epoch, owner::text AS owner
     FROM fence`,
  );
  if (row === undefined) return null;
  return {
    bytes: Number(row.bytes),
    position: Number(row.position),
    folded: Number(row.folded),
    epoch: Number(row.epoch),
    owner: String(row.owner),
  };
}
