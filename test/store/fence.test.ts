/** Commits whose outcome is not known, in both outcomes, against a real server. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chainEnd } from '../../src/folds/verify/checkpoint.js';
import { checkSeals } from '../../src/folds/verify/seals.js';
import { foldsName } from '../../src/store/postgres/names.js';
import { createPgSql } from '../../src/store/postgres/sql.js';
import { createPostgresStore } from '../../src/store/postgres/store.js';
import type { ShardStore } from '../../src/store/shard-store.js';
import type { TestPostgres } from '../support/postgres.js';
import { startTestPostgres, withClient } from '../support/postgres.js';
import { TestProxy } from '../support/proxy.js';
import { closeAll, open, STORE_OPTIONS } from './contract.js';
import { fill, posting } from './records.js';

/** The session that commits, of any owner. */
const WRITER = /^millrace-shard-0-[0-9a-f]{8}$/;
/** Enough for the message that begins a batch, and some of its rows. */
const HALF_A_BATCH = 20_000;

let server: TestPostgres;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterEach(closeAll);
afterAll(() => server.stop());

const records = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => posting(first + index));

interface Scene {
  readonly url: string;
  readonly proxy: TestProxy;
  readonly store: ShardStore;
  another(): ShardStore;
  commit(first: number, last: number): ReturnType<ShardStore['commit']>;
  positions(): Promise<number[]>;
}

async function scene(commitDeadlineMs = 300): Promise<Scene> {
  const url = await server.createDatabase();
  const proxy = await TestProxy.start(server.socketPath);
  open.push(() => proxy.stop());
  const another = (through = url): ShardStore => {
    const store = createPostgresStore({
      ...STORE_OPTIONS,
      partitionRecords: 100_000,
      url: through,
      commitDeadlineMs,
      durability: { acceptLoss: false },
      connectionsMax: 2,
    });
    open.push(() => store.close());
    return store;
  };
  const store = another(proxy.url(url));
  await store.acquire({ takeOver: false });
  return {
    url,
    proxy,
    store,
    another,
    commit: (first, last) => store.commit(fill(store.encoder(), records(first, last))),
    positions: async () => {
      await seals(url);
      return withClient(url, async (client) => {
        const { rows } = await client.query<{ position: string }>(
          'SELECT position FROM millrace.log ORDER BY position',
        );
        return rows.map(({ position }) => Number(position));
      });
    },
  };
}

/** Whatever came of commits, the chain of digests is whole. */
async function seals(url: string): Promise<void> {
  const sql = createPgSql({ url, applicationName: 'fence test' });
  try {
    const { position } = await chainEnd(sql);
    expect(await checkSeals(sql, position)).toMatchObject({ ok: true, rows: position });
  } finally {
    await sql.close();
  }
}

const writers = (url: string): Promise<{ pid: number; waiting: string }[]> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ pid: number; waiting: string }>(
      `SELECT pid, coalesce(wait_event, '') AS waiting FROM pg_stat_activity
        WHERE datname = current_database() AND application_name ~ '^millrace-shard-0-[0-9a-f]{8}$'`,
    );
    return rows;
  });

/** Looks again and again; fails by the test's own time limit. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

const to = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

it('a batch for which there is no connection is not sent, and the same one may go later', async () => {
  const { url, proxy, store, commit, positions } = await scene();
  await commit(1, 10);
  proxy.cut(WRITER);
  await until(async () => (await writers(url)).length === 0);
  proxy.limit(WRITER, 'toServer', 0, 'cut');
  expect((await commit(11, 20)).type).toBe('unsent');
  proxy.release();
  expect(await store.resolve()).toEqual({ epoch: 2, head: 10 });
  expect((await commit(11, 20)).type).toBe('committed');
  expect(await positions()).toEqual(to(20));
});

it('a step of the folds that an earlier owner has left does not go on under the next one', async () => {
  const { url, another } = await scene();
  const step = (shard: string): Promise<unknown> => {
    const sql = createPgSql({ url, applicationName: foldsName(shard), connectionsMax: 1 });
    open.push(() => sql.close());
    return sql.query('SELECT pg_sleep(5)');
  };
  const left = step('shard-0');
  const ofAnother = step('shard-01');
  left.catch(() => undefined);
  const asleep = () =>
    withClient(url, async (client) => {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`,
      );
      return rows.length;
    });
  await until(async () => (await asleep()) === 2);
  await another().acquire({ takeOver: true });
  await expect(left).rejects.toThrow(/terminating connection/);
  expect(await isPending(ofAnother)).toBe(true);
  await ofAnother;
});

describe('a commit whose outcome is not known', () => {
  it('is not there when its bytes never arrived', async () => {
    const { proxy, store, commit, positions } = await scene();
    await commit(1, 10);
    proxy.limit(WRITER, 'toServer', 0, 'cut');
    expect((await commit(11, 20)).type).toBe('ambiguous');
    proxy.release();
    expect(await store.resolve()).toEqual({ epoch: 2, head: 10 });
    expect((await commit(11, 12)).type).toBe('committed');
    expect(await positions()).toEqual(to(12));
  });

  it('is there when only its answer was withheld', async () => {
    const { proxy, store, commit, positions } = await scene();
    proxy.limit(WRITER, 'toClient', 0, 'hold');
    expect((await commit(1, 10)).type).toBe('ambiguous');
    expect(proxy.reached).toBeGreaterThan(0);
    proxy.release();
    expect(await store.resolve()).toEqual({ epoch: 2, head: 10 });
    expect((await commit(11, 12)).type).toBe('committed');
    expect(await positions()).toEqual(to(12));
  });

  it('never happens when its bytes come after it was resolved', async () => {
    const { proxy, store, commit, positions, url } = await scene();
    proxy.halfOpen = true;
    proxy.limit(WRITER, 'toServer', 0, 'hold');
    expect((await commit(1, 10)).type).toBe('ambiguous');
    // The old session lives: it has seen nothing and holds nothing, so the raise does not wait for it.
    const [old] = await writers(url);
    const resolution = await store.resolve();
    proxy.release();
    expect(resolution).toEqual({ epoch: 2, head: 0 });
    await until(async () => !(await writers(url)).some(({ pid }) => pid === old?.pid));
    expect((await commit(1, 3)).type).toBe('committed');
    expect(await positions()).toEqual(to(3));
  });

  it('is undone when half of it had arrived and its session held the fence', async () => {
    const { proxy, store, commit, positions, url } = await scene();
    proxy.halfOpen = true;
    proxy.limit(WRITER, 'toServer', HALF_A_BATCH, 'hold');
    const committing = commit(1, 1000);
    await proxy.untilReached();
    expect((await committing).type).toBe('ambiguous');
    await until(async () => (await writers(url))[0]?.waiting === 'ClientRead');
    expect(await store.resolve()).toMatchObject({ head: 0 });
    proxy.release();
    expect((await commit(1, 3)).type).toBe('committed');
    expect(await positions()).toEqual(to(3));
  });

  it('keeps its owner waiting while its session is stopped, then is undone', async () => {
    const { proxy, store, commit, positions, url } = await scene();
    proxy.halfOpen = true;
    proxy.limit(WRITER, 'toServer', HALF_A_BATCH, 'hold');
    const committing = commit(1, 1000);
    await proxy.untilReached();
    await until(async () => (await writers(url))[0]?.waiting === 'ClientRead');
    const [old] = await writers(url);
    const pid = old?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    // All of it lies before the stopped process, which would commit it if it went on undisturbed.
    proxy.release();
    expect((await committing).type).toBe('ambiguous');
    const resolving = store.resolve();
    await until(() => raiseWaits(url));
    expect(await isPending(resolving)).toBe(true);
    process.kill(pid, 'SIGCONT');
    const { head } = await resolving;
    expect(head).toBe(0);
    expect((await commit(1, 3)).type).toBe('committed');
    expect(await positions()).toEqual(to(3));
  });

  it('is there when its session waited for a standby that never came', async () => {
    const { store, commit, positions, url } = await scene();
    const standby = (name: string) =>
      withClient(url, async (client) => {
        await client.query('SET synchronous_commit = local');
        await client.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
        await client.query('SELECT pg_reload_conf()');
      });
    await standby('nobody');
    try {
      await until(
        async () =>
          (await withClient(url, (client) => client.query('SHOW synchronous_standby_names'))).rows[0]
            ?.synchronous_standby_names === 'nobody',
      );
      expect((await commit(1, 10)).type).toBe('ambiguous');
      const resolving = store.resolve();
      // The raise itself waits for the standby, and only an acknowledged one counts.
      await until(async () => (await sessions(url, '-control$')).some(({ waiting }) => waiting === 'SyncRep'));
      expect(await isPending(resolving)).toBe(true);
      await standby('');
      expect((await resolving).head).toBe(10);
    } finally {
      await standby('');
    }
    expect((await commit(11, 12)).type).toBe('committed');
    expect(await positions()).toEqual(to(12));
  });

  it('is undone when the server crashes in the middle, and its owner waits for the server', async () => {
    const { proxy, store, commit, positions, url } = await scene();
    await commit(1, 5);
    proxy.limit(WRITER, 'toServer', HALF_A_BATCH, 'hold');
    const committing = commit(6, 1000);
    await proxy.untilReached();
    await until(async () => (await writers(url))[0]?.waiting === 'ClientRead');
    process.kill((await writers(url))[0]?.pid ?? 0, 'SIGKILL');
    expect((await committing).type).toBe('ambiguous');
    proxy.release();
    expect((await store.resolve()).head).toBe(5);
    expect((await commit(6, 7)).type).toBe('committed');
    expect(await positions()).toEqual(to(7));
  });

  it('is told right, whatever the byte at which the connection was cut', async () => {
    const { proxy, store, commit, positions } = await scene(2_000);
    let head = 0;
    const seen = { there: 0, undone: 0 };
    for (let round = 0; round < 40; round++) {
      // An undisturbed one, so that the writer is connected.
      expect((await commit(head + 1, head + 1)).type).toBe('committed');
      head += 1;
      const direction = round % 2 === 0 ? 'toServer' : 'toClient';
      proxy.limit(WRITER, direction, Math.floor(Math.random() * (direction === 'toServer' ? 1500 : 60)), 'cut');
      const last = head + 5;
      const result = await commit(head + 1, last);
      proxy.release();
      if (result.type === 'committed') {
        head = last;
        continue;
      }
      expect(result.type).toBe('ambiguous');
      const resolution = await store.resolve();
      expect([head, last]).toContain(resolution.head);
      seen[resolution.head === last ? 'there' : 'undone']++;
      head = resolution.head;
    }
    expect(await positions()).toEqual(to(head));
    expect(seen.there).toBeGreaterThan(0);
    expect(seen.undone).toBeGreaterThan(0);
  });
});

describe('two owners of one shard', () => {
  it('never both write: the earlier one is fenced and stays so', async () => {
    const { store, another, commit, positions } = await scene();
    await commit(1, 5);
    const later = another();
    expect(await later.acquire({ takeOver: true })).toEqual({ epoch: 2, head: 5 });
    const result = await commit(6, 8);
    expect(result.type).not.toBe('committed');
    if (result.type !== 'fenced') await expect(store.resolve()).rejects.toMatchObject({ code: 'MR_FENCED' });
    expect((await later.commit(fill(later.encoder(), records(6, 7)))).type).toBe('committed');
    expect((await commit(8, 9)).type).toBe('fenced');
    await expect(store.resolve()).rejects.toMatchObject({ code: 'MR_FENCED' });
    expect(await positions()).toEqual(to(7));
  });

  it('settle by the fence when the earlier one was stopped in the middle of a commit', async () => {
    const { proxy, store, another, commit, positions, url } = await scene();
    proxy.halfOpen = true;
    proxy.limit(WRITER, 'toServer', HALF_A_BATCH, 'hold');
    const committing = commit(1, 1000);
    await proxy.untilReached();
    await until(async () => (await writers(url))[0]?.waiting === 'ClientRead');
    const pid = (await writers(url))[0]?.pid ?? 0;
    process.kill(pid, 'SIGSTOP');
    proxy.release();
    const later = another();
    const taking = later.acquire({ takeOver: true });
    await until(() => raiseWaits(url));
    expect(await isPending(taking)).toBe(true);
    process.kill(pid, 'SIGCONT');
    expect(await taking).toMatchObject({ head: 0 });
    expect((await committing).type).toBe('ambiguous');
    await expect(store.resolve()).rejects.toMatchObject({ code: 'MR_FENCED' });
    expect((await later.commit(fill(later.encoder(), records(1, 3)))).type).toBe('committed');
    expect(await positions()).toEqual(to(3));
  });

  it('may follow each other when the first one has closed, without a take-over', async () => {
    const { store, another } = await scene();
    await store.close();
    expect(await another().acquire({ takeOver: false })).toEqual({ epoch: 2, head: 0 });
  });

  it('are told who holds the shard', async () => {
    const { another } = await scene();
    await expect(another().acquire({ takeOver: false })).rejects.toThrow(
      /^shard "shard-0" is held by millrace-shard-0-[0-9a-f]{8}-lock \(server process \d+, from this machine, since .*\); stop that engine, or start this one with --take-over$/,
    );
  });
});

describe('a batch', () => {
  it('that is answered by another command tag is never a success', async () => {
    const { store, commit } = await scene();
    await store.sql.query(`CREATE FUNCTION millrace.drop_one() RETURNS trigger LANGUAGE plpgsql AS
      'BEGIN IF NEW.position = 3 THEN RETURN NULL; END IF; RETURN NEW; END'`);
    await store.sql.query(
      'CREATE TRIGGER drop_one BEFORE INSERT ON millrace.log_p0 FOR EACH ROW EXECUTE FUNCTION millrace.drop_one()',
    );
    const result = await commit(1, 5);
    expect(result).toMatchObject({
      type: 'ambiguous',
      error: { message: 'a batch of 5 records was answered by ["INSERT 0 1","COPY 4"]' },
    });
  });
});

describe('a server', () => {
  it('that would lose answered transactions is refused unless the loss is named', async () => {
    const url = await server.createDatabase();
    const options = { ...STORE_OPTIONS, url, commitDeadlineMs: 1000, connectionsMax: 1 };
    const lossy = createPostgresStore({ ...options, durability: { acceptLoss: false, synchronousCommit: 'off' } });
    await expect(lossy.acquire({ takeOver: false })).rejects.toThrow(
      'the server of shard "shard-0" has synchronous_commit=off, so answered transactions can be lost; must be on, or durability.accept_loss must name that loss',
    );
    await lossy.close();
    const named = createPostgresStore({
      ...options,
      durability: { acceptLoss: 'the last 600 ms', synchronousCommit: 'off' },
    });
    open.push(() => named.close());
    expect(await named.acquire({ takeOver: false })).toEqual({ epoch: 1, head: 0 });
  });

  it('that has too few connections is refused', async () => {
    const store = createPostgresStore({
      ...STORE_OPTIONS,
      url: await server.createDatabase(),
      commitDeadlineMs: 1000,
      connectionsMax: 500,
      durability: { acceptLoss: false },
    });
    open.push(() => store.close());
    await expect(store.acquire({ takeOver: false })).rejects.toThrow(
      /has \d+ of 100 connections free, must have 503: raise max_connections/,
    );
  });
});

const sessions = (url: string, suffix: string): Promise<{ waiting: string }[]> =>
  withClient(url, async (client) => {
    const { rows } = await client.query<{ waiting: string }>(
      `SELECT coalesce(wait_event, '') AS waiting FROM pg_stat_activity WHERE datname = current_database() AND application_name ~ $1`,
      [suffix],
    );
    return rows;
  });

/** True while an owner's raise waits for a commit that holds the fence. */
const raiseWaits = async (url: string): Promise<boolean> =>
  (await sessions(url, '-control$')).some(({ waiting }) => /transactionid|tuple/.test(waiting));
