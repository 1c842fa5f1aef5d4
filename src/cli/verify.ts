/** `millrace verify`: proves every shard from SQL alone, with the engine running or stopped; ends at the first lie. */
import type { CheckResult } from '../folds/verify/verify.js';
import { verifyShard } from '../folds/verify/verify.js';
import type { Config } from '../platform/config/config.js';
import { DataFolderHeldError } from '../platform/errors.js';
import { callEngine } from '../platform/lock.js';
import type { Log } from '../platform/log.js';
import { DetachedFileError } from '../store/errors.js';
import type { Sql } from '../store/sql.js';
import type { ShardDatabase } from './databases.js';
import { openDatabases } from './databases.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

/** All results of a shard, as an engine gives them that has its databases to itself (request `verify`). */
export interface VerifiedShard {
  readonly name: string;
  readonly results: readonly CheckResult[];
}

/** @returns the exit code: 0 all is true, 1 there is a lie */
export async function verifyCommand(config: Config, io: CommandIo, log: Log): Promise<number> {
  const report = new Report(io);
  try {
    const databases = await openDatabases(config, log);
    try {
      for (const shard of databases.shards) {
        report.shard(shard.name);
        if (!(await verifyOne(shard, report))) return ExitCode.failed;
      }
    } finally {
      await databases.close();
    }
  } catch (error) {
    if (!(error instanceof DataFolderHeldError)) throw error;
    for (const { name, results } of (await callEngine(config.dataDir, { do: 'verify' })) as readonly VerifiedShard[]) {
      report.shard(name);
      for (const result of results) if (!report.result(result)) return ExitCode.failed;
    }
  }
  report.end();
  return ExitCode.ok;
}

/** @returns whether all of it is true */
async function verifyOne(shard: ShardDatabase, report: Report): Promise<boolean> {
  let sql: Sql;
  try {
    sql = await shard.wholeLog();
  } catch (error) {
    if (!(error instanceof DetachedFileError)) throw error;
    return report.result(lieOfFile(error.message));
  }
  try {
    const checks = verifyShard(sql, ({ check, number, of }) => report.running(check, number, of));
    for await (const result of checks) if (!report.result(result)) return false;
    return true;
  } finally {
    await sql.close();
  }
}

const lieOfFile = (message: string): CheckResult => ({
  check: 'detached',
  title: 'detached files are what they were, and go on into the table',
  rows: 0,
  ok: false,
  firstLie: { position: null, book: null, account: null, message },
});

class Report {
  readonly #io: CommandIo;
  #rows = 0;
  #checks = 0;

  constructor(io: CommandIo) {
    this.#io = io;
  }

  shard(name: string): void {
    this.#io.stdout.write(`${name}\n`);
  }

  /** At a terminal only, on a line that the result then takes. */
  running(check: string, number: number, of: number): void {
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write(`\r\x1b[K  ${number}/${of} ${check} …`);
  }

  /** @returns whether it is true */
  result({ title, rows, ok, firstLie }: CheckResult): boolean {
    if (this.#io.stderr.isTTY === true) this.#io.stderr.write('\r\x1b[K');
    this.#rows += rows;
    this.#checks++;
    this.#io.stdout.write(`  ${ok ? 'true' : 'LIE '}  ${title} (${rows.toLocaleString('en')} rows)\n`);
    if (ok) return true;
    const { position = null, book = null, account = null, message = '' } = firstLie ?? {};
    const where = [
      position === null ? '' : `position ${position}`,
      book === null ? '' : `book ${book}`,
      account === null ? '' : `account ${account}`,
    ].filter((part) => part !== '');
    this.#io.stdout.write(`        ${where.join(', ')}${where.length === 0 ? '' : ': '}${message}\n`);
    return false;
  }

  end(): void {
    this.#io.stdout.write(`all true: ${this.#checks} checks, ${this.#rows.toLocaleString('en')} rows\n`);
  }
}
