/**
 * Bytes that change on the disk behind the server's back, on a copy of an engine's data: pages carry checksums, so
 * `millrace verify` must end with a failure and name the page, and must end well once the bytes are as they were.
 */
import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { millrace } from '../../crash/support/processes.js';
import { whenThere } from '../checks/database.js';
import { must } from '../checks/failure.js';
import type { Counters } from '../counters.js';
import type { Random } from '../random.js';
import type { EmbeddedWorld } from './embedded.js';

const PAGE_BYTES = 8192;
/** Behind the page's head and its pointers. */
const BODY_BYTES = 4096;
/** Each holds something that `verify` proves. */
const TABLES = ['log_p0', 'batch', 'account', 'entry_block'];

/** Ends the engine. @param pagesMax how many pages are tried, each of another table */
export async function corruptPages(
  world: EmbeddedWorld,
  random: Random,
  counters: Counters,
  pagesMax: number,
): Promise<void> {
  const [, server] = world.servers;
  const files = await whenThere(server.url, async (client) => {
    // What is in memory only has no page to be changed yet.
    await client.query('CHECKPOINT');
    const { rows } = await client.query<{ name: string; file: string; size: string }>(
      'SELECT t AS name, pg_relation_filepath($2 || t) AS file, pg_relation_size($2 || t) AS size FROM unnest($1::text[]) t',
      [TABLES, 'millrace.'],
    );
    return rows;
  });
  const code = await world.engine().stop();
  must(code === 0, () => `the engine ended with ${code}`);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-torture-copy-'));
  try {
    const copy = join(folder, 'data');
    await promisify(execFile)('chmod', ['755', folder]);
    await promisify(execFile)('cp', ['-a', world.engine().dataDir, copy]);
    const withPages = random.shuffled(files.filter(({ size }) => Number(size) > 0));
    must(withPages.length > 0, () => 'no table has a page on the disk');
    for (const { name, file, size } of withPages.slice(0, pagesMax)) {
      const page = random.between(0, Number(size) / PAGE_BYTES - 1);
      const path = join(copy, 'postgres/shard-1/data', file);
      const undo = flip(path, page * PAGE_BYTES + random.between(BODY_BYTES, PAGE_BYTES - 1));
      const { code: found, out, err } = await verify(copy);
      must(found !== 0, () => `page ${page} of ${name} was changed and verify is clean`);
      must(
        /invalid page in block|checksum/i.test(out + err),
        () => `page ${page} of ${name} was changed and verify says: ${out}${err}`,
      );
      undo();
      counters.add('changed pages that verify found');
    }
    const { code: clean, out, err } = await verify(copy);
    must(clean === 0, () => `with its bytes as they were verify ends with ${clean}: ${out}${err}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const verify = (dataDir: string) => millrace(['verify'], { MILLRACE_DATA_DIR: dataDir });

/** Turns the bits of one byte round. @returns what turns them back */
function flip(path: string, at: number): () => void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  const turn = (): void => {
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    writeSync(file, byte, 0, 1, at);
  };
  turn();
  return () => {
    turn();
    closeSync(file);
  };
}
