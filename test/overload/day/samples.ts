/** How an engine and its databases are at one moment, and which way it goes over many. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { trendOf } from '../../../bench/figures/trend.js';
import { residentMegabytes } from '../measure.js';
import type { World } from '../world.js';

const MEGABYTE = 2 ** 20;

export const FIGURES = ['heap, MB', 'RSS, MB', 'handles', 'files', 'WAL, MB', 'dead rows', 'bloat, MB'] as const;
export type Figure = (typeof FIGURES)[number];
export type Sample = Readonly<Record<Figure, number>> & { readonly atMs: number };

/** What the probe of one thread wrote. */
interface Line {
  /** ms since 1970. */
  readonly at: number;
  readonly heapUsed: number;
  readonly handles: number;
}

const ESTABLISHED = '01';

/** Connections at this port whose clients are there: how many they open is their affair, what is left of them is not. */
function connectionsAt(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['/proc/net/tcp', '/proc/net/tcp6'].reduce((count, table) => {
    const rows = readFileSync(table, 'utf8').split('\n').slice(1);
    return (
      count +
      rows
        .map((row) => row.trim().split(/\s+/))
        .filter(([, at, , state]) => at?.endsWith(local) === true && state === ESTABLISHED).length
    );
  }, 0);
}

/** @param folder of the probe @param urls of the databases */
export async function sample({ pid, engine }: World, folder: string, urls: readonly string[]): Promise<Sample> {
  const threads = readdirSync(folder)
    .filter((name) => name.startsWith(`${pid}-`))
    .flatMap((name) => lastLineOf(join(folder, name)));
  const sum = (of: (line: Line) => number): number => threads.reduce((all, line) => all + of(line), 0);
  const databases = await Promise.all(urls.map(ofDatabase));
  return {
    atMs: performance.now(),
    'heap, MB': sum(({ heapUsed }) => heapUsed) / MEGABYTE,
    'RSS, MB': residentMegabytes(pid),
    handles: sum(({ handles }) => handles),
    files: readdirSync(`/proc/${pid}/fd`).length - connectionsAt(engine.port),
    'WAL, MB': databases.reduce((all, { wal }) => all + wal, 0) / MEGABYTE,
    'dead rows': databases.reduce((all, { dead }) => all + dead, 0),
    'bloat, MB': databases.reduce((all, { bloat }) => all + bloat, 0) / MEGABYTE,
  };
}

/** A thread that has written nothing for so long has ended. */
const SILENT_MS = 60_000;

/** None where the thread has not written yet, or has ended. */
function lastLineOf(file: string): Line[] {
  const text = readFileSync(file, 'utf8');
  // What follows the last end of a line may be on its way.
  const last = text.slice(0, text.lastIndexOf('\n')).split('\n').at(-1) ?? '';
  if (last === '') return [];
  const line = JSON.parse(last) as Line;
  return Date.now() - line.at < SILENT_MS ? [line] : [];
}

async function ofDatabase(url: string): Promise<{ wal: number; dead: number; bloat: number }> {
  const client = new pg.Client({ connectionString: url, application_name: 'overload' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // Up to min_wal_size a server keeps its log to use the files again: that it comes to be so long is no growth.
    // Tables that are changed in place; the log and the lists of entries only grow, as they must.
    const { rows } = await client.query<{ wal: string; dead: string; bloat: string }>(`
      SELECT greatest((SELECT sum(size) FROM pg_ls_waldir()),
                      (SELECT setting::int8 * 1048576 FROM pg_settings WHERE name = 'min_wal_size')) AS wal,
             (SELECT sum(n_dead_tup) FROM pg_stat_user_tables WHERE schemaname = 'millrace') AS dead,
             (SELECT sum(pg_table_size(relid)) FROM pg_stat_user_tables
               WHERE schemaname = 'millrace' AND n_tup_upd > n_tup_ins) AS bloat`);
    const [row] = rows;
    return { wal: Number(row?.wal ?? 0), dead: Number(row?.dead ?? 0), bloat: Number(row?.bloat ?? 0) };
  } finally {
    await client.end();
  }
}

/** Of a straight line through the values (least squares), per hour. */
export const slopePerHour = (samples: readonly Sample[], figure: Figure): number =>
  trendOf(samples.map((one) => ({ at: one.atMs / 3_600_000, value: one[figure] }))).slope;
