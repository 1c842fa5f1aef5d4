/**
 * pgbench's own TPC-B, where it is installed: what the engine's first server does with five statements a transaction, in a
 * database of its own. A figure that others have of their machines too.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../src/platform/errors.js';
import { connect } from './engine.js';

export interface Pgbench {
  /** Transactions a second. */
  run(seconds: number): Promise<number>;
  /** Drops its database. */
  stop(): Promise<void>;
}

const DATABASE = 'pgbench';
const SCALE = 10;
const LOAD = ['-c', '20', '-j', '2'];
/** Until its caches are warm; and it shows whether what it says is understood. */
const WARM_UP_S = 1;
/** Beyond its duration, and for making its tables. */
const GRACE_MS = 120_000;

/**
 * @param beside URL of a database on the server
 * @param tell is told in one line why there is none
 * @param path where pgbench is looked for
 */
export async function startPgbench(
  beside: string,
  tell: (line: string) => void,
  path = process.env.PATH ?? '',
): Promise<Pgbench | null> {
  // Neither another language nor another server that the environment names.
  const env = { PATH: path, LC_ALL: 'C' };
  if (spawnSync('pgbench', ['--version'], { env, stdio: 'ignore' }).status !== 0) {
    tell('pgbench is not installed: its TPC-B is left out');
    return null;
  }
  const url = new URL(beside);
  url.pathname = `/${DATABASE}`;
  await query(beside, `CREATE DATABASE ${DATABASE}`);
  const stop = (): Promise<void> => query(beside, `DROP DATABASE ${DATABASE} WITH (FORCE)`);
  const call = async (options: readonly string[], seconds: number): Promise<string> => {
    const timeout = seconds * 1000 + GRACE_MS;
    return (await promisify(execFile)('pgbench', [...options, url.href], { env, timeout })).stdout;
  };
  const run = async (seconds: number): Promise<number> =>
    parsePgbench(await call([...LOAD, '-T', String(seconds)], seconds));
  try {
    await call(['-i', '-q', '-s', String(SCALE)], 0);
    await run(WARM_UP_S);
    return { run, stop };
  } catch (error) {
    await stop();
    tell(
      `pgbench cannot be used, and its TPC-B is left out: ${messageOf(error)
        .trim()
        .replaceAll(/\s*\n\s*/g, '; ')}`,
    );
    return null;
  }
}

async function query(url: string, text: string): Promise<void> {
  const client = await connect(url);
  try {
    await client.query(text);
  } finally {
    await client.end();
  }
}

/**
 * Transactions a second, of what pgbench has printed since its version 14.
 * @throws Error where it has not printed one rate of a TPC-B without a failed transaction
 */
export function parsePgbench(output: string): number {
  const rates = [...output.matchAll(/^tps = ([0-9]+\.[0-9]+) \(without initial connection time\)$/gm)];
  const isTpcB = /^transaction type: <builtin: TPC-B \(sort of\)>$/m.test(output);
  const failed = Number(/^number of failed transactions: ([0-9]+) /m.exec(output)?.[1] ?? 0);
  const rate = Number(rates[0]?.[1] ?? 0);
  if (rates.length === 1 && isTpcB && failed === 0 && rate > 0) return rate;
  throw new Error(`pgbench did not print the rate of a whole TPC-B: ${output.trim().slice(0, 500)}`);
}
