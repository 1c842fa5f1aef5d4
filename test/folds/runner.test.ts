import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FromFoldThread } from '../../src/folds/messages.js';
import { type FoldLag, FoldRunner, type FoldRunnerOptions } from '../../src/folds/runner.js';
import { verifyShard } from '../../src/folds/verify/verify.js';
import { servePortSql } from '../../src/store/port-sql.js';
import type { Sql } from '../../src/store/sql.js';
import { commitBatch, startPgliteShards, startPostgresShards, type TestDatabases } from './support/database.js';
import { Model } from './support/model.js';
import { FoldThreads } from './support/thread.js';

let postgres: TestDatabases;
let threads: FoldThreads;

beforeAll(async () => {
  postgres = await startPostgresShards();
  threads = new FoldThreads();
});
afterAll(async () => {
  await threads?.close();
  await postgres?.stop();
});

const history = (seed: number, steps: number): Model => {
  const model = new Model(seed);
  for (let step = 0; step < steps; step++) model.step();
  return model;
};
const commit = (sql: Sql, model: Model, from: number, to: number): Promise<void> =>
  commitBatch(sql, model.records.slice(from, to), (number) => model.account(number).currency);

async function failures(sql: Sql): Promise<string[]> {
  const found: string[] = [];
  for await (const { ok, check } of verifyShard(sql)) if (!ok) found.push(check);
  return found;
}

/** A runner whose reports can be waited for. */
class Watched {
  readonly lags: FoldLag[] = [];
  readonly errors: Error[] = [];
  readonly runner: FoldRunner;
  #changed: () => void = () => undefined;

  constructor(options: Partial<FoldRunnerOptions> & { readonly sql: Sql }) {
    this.runner = new FoldRunner({
      shard: 'one',
      onLag: (lag) => {
        this.lags.push(lag);
        this.#changed();
      },
      onError: (error) => {
        this.errors.push(error);
        this.#changed();
      },
      ...options,
    });
    this.runner.start();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

it('a runner follows the log to its end, and a poke wakes it from a long pause', async () => {
  const sql = await postgres.create();
  const model = history(1, 200);
  await commit(sql, model, 0, 100);
  // Idle pauses of a day: only a poke can be why it goes on.
  const watched = new Watched({ sql, stepRecordsMax: 1_000, pauseMsMin: 1, idlePauseMsMax: 86_400_000 });
  await watched.until(() => watched.lags.at(-1)?.position === 100);
  while (watched.lags.length < 12) await watched.until(() => watched.lags.length >= 12);
  await commit(sql, model, 100, model.records.length);
  watched.runner.poke();
  await watched.until(() => watched.lags.at(-1)?.position === model.records.length);
  expect(watched.lags.at(-1)).toMatchObject({ shard: 'one', head: model.records.length, lagRecords: 0, lagMs: 0 });
  await watched.runner.stop();
  expect(watched.errors).toEqual([]);
  expect(await failures(sql)).toEqual([]);
});

it('a runner says how far behind it is while it catches up in steps', async () => {
  const sql = await postgres.create();
  const model = history(2, 150);
  for (let at = 0; at < model.records.length; at += 10) await commit(sql, model, at, at + 10);
  const watched = new Watched({ sql, stepRecordsMax: 50, pauseMsMin: 1 });
  await watched.until(() => watched.lags.at(-1)?.lagRecords === 0);
  await watched.runner.stop();
  const lags = watched.lags.map(({ lagRecords }) => lagRecords);
  // Before it does anything, and after its first step.
  expect(lags.slice(0, 2)).toEqual([model.records.length, model.records.length - 50]);
  expect(lags).toEqual([...lags].sort((a, b) => b - a));
});

it('a step that fails is told and tried again, and the folds are right afterwards', async () => {
  const sql = await postgres.create();
  const model = history(3, 100);
  await commit(sql, model, 0, model.records.length);
  let asked = 0;
  const failing: Sql = {
    query: (text, values) =>
      ++asked <= 2 ? Promise.reject(new Error('the database is away')) : sql.query(text, values),
    copyOut: (query) => sql.copyOut(query),
    close: () => Promise.resolve(),
  };
  const watched = new Watched({ sql: failing });
  await watched.until(() => watched.lags.at(-1)?.position === model.records.length);
  await watched.runner.stop();
  expect(watched.errors.map(({ message }) => message)).toEqual(['the database is away', 'the database is away']);
  expect(await failures(sql)).toEqual([]);
});

it('runners that fold one shard at once fold every record once', async () => {
  const sql = await postgres.create();
  const model = history(4, 300);
  const runners = [1, 2, 3].map(
    () => new Watched({ sql: postgres.another(), stepRecordsMax: 30, pauseMsMin: 1, idlePauseMsMax: 2 }),
  );
  for (let at = 0; at < model.records.length; at += 7) await commit(sql, model, at, at + 7);
  await Promise.all(
    runners.map((watched) => watched.until(() => watched.lags.at(-1)?.position === model.records.length)),
  );
  await Promise.all(runners.map(({ runner }) => runner.stop()));
  expect(runners.flatMap(({ errors }) => errors)).toEqual([]);
  expect(await failures(sql)).toEqual([]);
});

it('the thread folds a server and a PGlite behind a port, whatever becomes of a third shard, and ends when told to', async () => {
  const sql = await postgres.create();
  const model = history(5, 150);
  const pglite = startPgliteShards();
  const inProcess = await pglite.create();
  const { port1, port2 } = new MessageChannel();
  servePortSql(port2, inProcess);
  try {
    for (const shard of [sql, inProcess]) await commit(shard, model, 0, model.records.length);
    const thread = threads.start(
      {
        shards: [
          { name: 'gone', connection: { kind: 'postgres', url: `${postgres.lastUrl}_gone` } },
          { name: 'server', connection: { kind: 'postgres', url: postgres.lastUrl ?? '' } },
          { name: 'pglite', connection: { kind: 'port', port: port1 } },
        ],
        lagRecordsMax: 2_000_000,
      },
      [port1],
    );
    const missing = new Set(['gone', 'server', 'pglite']);
    while (missing.size > 0) {
      const [message] = (await once(thread, 'message')) as [FromFoldThread];
      if (message.type === 'error') expect(message.shard).toBe('gone');
      if (message.type === 'error' || message.position === model.records.length) missing.delete(message.shard);
    }
    const ended = once(thread, 'exit');
    thread.postMessage({ type: 'stop' });
    expect(await ended).toEqual([0]);
    for (const shard of [sql, inProcess]) expect(await failures(shard)).toEqual([]);
  } finally {
    port2.close();
    await pglite.stop();
  }
});
