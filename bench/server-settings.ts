/**
 * Settings of the engine's own Postgres servers, as if they had been there from the start: they are written by ALTER
 * SYSTEM, and each server is ended and so started again by the engine, which looks after it. Whatever a setting's kind is,
 * it is then that of every process and session.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { messageOf } from '../src/platform/errors.js';
import { locateHomes } from '../src/store/embedded/embedded.js';
import { endPostmaster, runningPostmaster } from '../src/store/embedded/postmaster.js';

export type ServerSettings = Readonly<Record<string, string>>;

const STOP_MS = 30_000;
const BACK_MS = 30_000;
const LOOK_MS = 20;

/**
 * @param urls of databases by the server's name
 * @throws Error that names the setting, where a server does not take it or does not start with it
 */
export async function applyServerSettings(
  folder: string,
  urls: Readonly<Record<string, string>>,
  settings: ServerSettings,
): Promise<void> {
  const homes = locateHomes(folder, Object.keys(urls)) ?? {};
  await Promise.all(
    Object.entries(urls).map(async ([name, url]) => {
      await withClient(url, (client) => write(client, settings));
      const home = homes[name] ?? '';
      const data = join(home, 'data');
      await endPostmaster(runningPostmaster(data), 'SIGINT', STOP_MS);
      await untilBack(url, data, () => `the server of ${name} does not start with ${textOf(settings)}: ${fault(home)}`);
      await withClient(url, (client) => check(client, settings));
    }),
  );
}

const textOf = (settings: ServerSettings): string =>
  Object.entries(settings)
    .map(([name, value]) => `postgres.${name}=${value}`)
    .join(',');

async function write(client: pg.Client, settings: ServerSettings): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    try {
      await client.query(`ALTER SYSTEM SET ${client.escapeIdentifier(name)} = ${client.escapeLiteral(value)}`);
    } catch (error) {
      throw new Error(`postgres.${name}: ${messageOf(error)}`);
    }
  }
}

/** What the command line gives is stronger than the file that ALTER SYSTEM writes. */
async function check(client: pg.Client, settings: ServerSettings): Promise<void> {
  const { rows } = await client.query<{ name: string; source: string }>(
    `SELECT name, source FROM pg_settings WHERE name = ANY($1) AND source <> 'configuration file'`,
    [Object.keys(settings)],
  );
  const [first] = rows;
  if (first !== undefined) throw new Error(`postgres.${first.name}: the server takes it from the ${first.source}`);
}

async function untilBack(url: string, data: string, why: () => string): Promise<void> {
  const until = performance.now() + BACK_MS;
  while (performance.now() < until) {
    const answers = await withClient(url, (client) => client.query('SELECT')).then(
      () => true,
      () => false,
    );
    if (answers && runningPostmaster(data) !== 0) return;
    await delay(LOOK_MS);
  }
  throw new Error(why());
}

/** The server's last word of what is wrong. */
function fault(home: string): string {
  const lines = readFileSync(join(home, 'log'), 'utf8').split('\n');
  return lines.findLast((line) => /FATAL|PANIC/.test(line) && !line.includes('the database system is')) ?? '';
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'bench' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
