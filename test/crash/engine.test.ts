/** One engine on two embedded servers, and everything that can happen to its parts while merchants post. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { callEngine } from '../../src/platform/lock.js';
import { locateEmbedded } from '../../src/store/embedded/embedded.js';
import type { RunningEngine } from '../support/engine.js';
import { startEngine } from '../support/engine.js';
import { postmasterOf, withClient } from '../support/postgres.js';
import { stopServer } from '../support/stopped.js';
import { INSPECTABLE, throwInThread } from './support/inspector.js';
import { Journal } from './support/load.js';
import { merchantOf } from './support/merchants.js';
import { freePort, gone, isAlive, millrace, until } from './support/processes.js';

// Starts and proofs are many, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 });

const SHARDS = ['shard-0', 'shard-1'];
let engine: RunningEngine;
let keys: readonly [string, string];
let urls: readonly [string, string];
let journals: readonly [Journal, Journal];
let cases = 0;

/** In order: the last one has the folder to remove. */
const engines: RunningEngine[] = [];
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  env = {
    ...INSPECTABLE,
    // The same at every start, so that clients find it again.
    MILLRACE_HTTP__PORT: String(await freePort()),
    MILLRACE_HTTP__THREADS: '2',
    MILLRACE_DURABILITY__COMMIT_DEADLINE: '500ms',
  };
  engine = await startEngine({ env });
  engines.unshift(engine);
  keys = [await engine.createKey(merchantOf(0, 'left')), await engine.createKey(merchantOf(1, 'right'))];
  const located = locateEmbedded(engine.dataDir, SHARDS) ?? {};
  urls = [located['shard-0'] ?? '', located['shard-1'] ?? ''];
});
afterAll(async () => {
  for (const each of engines) await each.dispose();
});

/** After an end of the whole engine: another one on its folder. */
async function startAgain(): Promise<void> {
  engine = await startEngine({ dataDir: engine.dataDir, env });
  engines.unshift(engine);
}

/** Both merchants at work, with some posted already. */
async function underLoad(): Promise<void> {
  cases++;
  journals = [
    new Journal(engine.url, keys[0], `case-${cases}`).start(),
    new Journal(engine.url, keys[1], `case-${cases}`).start(),
  ];
  await Promise.all(journals.map((journal) => journal.posted(100)));
}

afterEach(async () => {
  await Promise.all(journals.map((journal) => journal.stop()));
});

/** The load goes on, ends, and all that was answered is true: by key, by API, by SQL and by verify. */
async function allTrue(): Promise<void> {
  await Promise.all(journals.map((journal) => journal.posted(50)));
  await Promise.all(journals.map((journal) => journal.prove()));
  const verified = await millrace(['verify'], { MILLRACE_DATA_DIR: engine.dataDir });
  expect(verified.out).toContain('all true');
  expect(verified.code).toBe(0);
  for (const shard of [0, 1] as const) await sqlAgrees(shard);
}

async function sqlAgrees(shard: 0 | 1): Promise<void> {
  const expected = Object.fromEntries(journals[shard].proven);
  await withClient(urls[shard], async (client) => {
    let found: Record<string, number> = {};
    await until('the fold has come to the end of the log', async () => {
      const { rows } = await client.query<{ name: string; posted: string }>(
        'SELECT name, posted FROM millrace.balances WHERE starts_with(name, $1)',
        [`case-${cases}/`],
      );
      found = Object.fromEntries(rows.map(({ name, posted }) => [name, Number(posted)]));
      return JSON.stringify(Object.entries(found).sort()) === JSON.stringify(Object.entries(expected).sort());
    });
    expect(found).toEqual(expected);
  });
}

const postmaster = (shard: 0 | 1): Promise<number> => postmasterOf(urls[shard]);

/** The server's process that commits for a shard. */
const writerOf = async (shard: 0 | 1): Promise<number> =>
  withClient(urls[shard], async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_activity WHERE application_name ~ $1',
      [`^millrace-shard-${shard}-[0-9a-f]{8}$`],
    );
    expect(rows).toHaveLength(1);
    return Number(rows[0]?.pid);
  });

interface ShownShard {
  readonly state: string;
  readonly breaker: string;
  readonly attempts: number;
}
const readiness = async (): Promise<readonly ShownShard[]> => {
  const response = await fetch(`${engine.url}/readyz`);
  return ((await response.json()) as { readonly shards: readonly ShownShard[] }).shards;
};
const shardState = async (shard: 0 | 1): Promise<string> => (await readiness())[shard]?.state ?? '';

test('kill -9 of the engine: its parent starts it again, and what was answered is there', async () => {
  await underLoad();
  const pid = await engine.enginePid();
  process.kill(pid, 'SIGKILL');
  await gone(pid);
  await allTrue();
  expect(await engine.enginePid()).not.toBe(pid);
  expect(engine.process.exitCode).toBeNull();
});

test('a thread that writes a shard dies: in flight is outcome_unknown, it is started again, a retry tells the truth', async () => {
  await underLoad();
  const pid = await engine.enginePid();
  const before = engine.log().length;
  // Which of the two threads it will be is not for us to say.
  const writers = await Promise.all([writerOf(0), writerOf(1)]);
  for (const writer of writers) process.kill(writer, 'SIGSTOP');
  try {
    await Promise.all(journals.map((journal) => journal.stuck()));
    const unknown = Promise.all(
      journals.map((journal) => journal.answered(({ body }) => body.code === 'outcome_unknown')),
    );
    await throwInThread(pid, engine.log, /piscina/);
    for (const { status, headers, body } of await unknown) {
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toMatch(/^\d+$/);
      expect(body).toMatchObject({ outcome: 'unknown', retryable: true, final: false });
    }
  } finally {
    for (const writer of writers) process.kill(writer, 'SIGCONT');
  }
  await allTrue();
  const log = engine.log().slice(before);
  const [, worker] = /worker (\d) died \(a fault that a test put here\); started again/.exec(log) ?? [];
  expect(log, 'it takes its own shard along').toContain(`shard-${worker} is starting: its worker died`);
  expect(log, 'and no other').not.toContain(`shard-${1 - Number(worker)} is starting`);
  expect(await engine.enginePid(), `only the thread was started again:\n${engine.log()}`).toBe(pid);
});

test('threads that write shards die in a row, the last while it waits to be given shards: the process goes on', async () => {
  await underLoad();
  const pid = await engine.enginePid();
  // The wait before the next start doubles; the thread for it is there at once, and has nothing to do until then. They die in
  // turn, so that it takes some more throws until one of them waits for longer than the next throw takes.
  for (let throws = 0; throws < 50 && !engine.log().includes('a thread for workers ended'); throws++) {
    await throwInThread(pid, engine.log, /piscina/);
  }
  expect(engine.log()).toContain('a thread for workers ended: a fault that a test put here');
  await allTrue();
  expect(await engine.enginePid(), `only threads were started again:\n${engine.log()}`).toBe(pid);
});

test('a front that throws is started again, and the process goes on', async () => {
  await underLoad();
  const pid = await engine.enginePid();
  await throwInThread(pid, engine.log, /http\/front\/thread/);
  await until('the front was started again', () => /front \d ended; started again/.test(engine.log()));
  await allTrue();
  expect(await engine.enginePid(), `only the thread was started again:\n${engine.log()}`).toBe(pid);
});

test('kill -9 of one Postgres: its merchants get 503, the others go on, it comes back by itself', async () => {
  await underLoad();
  const pid = await postmaster(0);
  const refused = journals[0].answered(({ status }) => status === 503);
  process.kill(pid, 'SIGKILL');
  const { headers } = await refused;
  expect(headers.get('retry-after')).toMatch(/^\d+$/);
  await journals[1].posted(50);
  await allTrue();
  const troubled = journals[1].count(({ answer }) => answer === null || answer?.status === 503);
  expect(troubled, 'requests of the other shard that were lost or refused').toBe(0);
  expect(await postmaster(0)).not.toBe(pid);
});

test('a backend that is terminated in the middle of a commit costs nobody an answer that was given', async () => {
  await underLoad();
  const unknown = journals[0].answered(({ body }) => body.code === 'outcome_unknown');
  await withClient(urls[0], async (client) => {
    // Whoever copies waits for this lock, so that the end comes before the COMMIT and not after it.
    await client.query('BEGIN; LOCK TABLE millrace.log IN EXCLUSIVE MODE');
    await journals[0].stuck();
    await client.query('SELECT pg_terminate_backend($1)', [await writerOf(0)]);
    await client.query('ROLLBACK');
  });
  expect((await unknown).status).toBe(503);
  await allTrue();
});

test('a Postgres that stands still past the deadline: outcome_unknown, and the true outcome when it moves again', async () => {
  await underLoad();
  const writer = await writerOf(0);
  const main = await postmaster(0);
  const unknown = journals[0].answered(({ body }) => body.code === 'outcome_unknown');
  for (const pid of [main, writer]) process.kill(pid, 'SIGSTOP');
  try {
    expect((await unknown).body).toMatchObject({ outcome: 'unknown', final: false });
    await until('the shard resolves', async () => (await shardState(0)) === 'resolving');
    const meanwhile = await journals[0].answered(({ body }) => body.code === 'shard_unavailable');
    expect([meanwhile.status, meanwhile.body.outcome]).toEqual([503, 'none']);
    await journals[1].posted(20);
    await until('the breaker shows in /readyz', async () => {
      const [away, there] = await readiness();
      return away?.breaker !== 'closed' && Number(away?.attempts) > 0 && there?.breaker === 'closed';
    });
    const shown = await millrace(['shards'], { MILLRACE_DATA_DIR: engine.dataDir });
    expect(shown.out).toMatch(/BREAKER[\s\S]*shard-0.*(open|half-open): \d+ failed, next [\s\S]*shard-1.*closed/);
  } finally {
    for (const pid of [writer, main]) process.kill(pid, 'SIGCONT');
  }
  await allTrue();
});

test('a Postgres that stands still while nobody commits: readers are told within two seconds, until it moves again', async () => {
  await underLoad();
  await Promise.all(journals.map((journal) => journal.stop()));
  const authorization = `Bearer ${keys[0]}`;
  const posting = {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'idempotency-key': 'stands-still' },
    body: '{"legs":[{"debit":"external/x","credit":"still","amount":1,"currency":"EUR"}],"open_accounts":true}',
  };
  const posted = await fetch(`${engine.url}/v1/transactions`, posting);
  expect(posted.status).toBe(201);
  const { id } = (await posted.json()) as { readonly id: string };
  const reads = ['/v1/transactions', `/v1/transactions/${id}`, '/v1/accounts/still/entries', '/v1/accounts'];
  const ask = () =>
    Promise.all([
      ...reads.map((path) => fetch(`${engine.url}${path}`, { headers: { authorization } })),
      fetch(`${engine.url}/v1/transactions`, posting),
    ]);
  const statuses = async (): Promise<string> => (await ask()).map(({ status }) => status).join(' ');
  const whole = '200 200 200 200 201';
  expect(await statuses()).toBe(whole);
  const goOn = stopServer(await postmaster(0));
  try {
    for (let round = 0; round < 2; round++) {
      const startedAt = performance.now();
      const answers = await ask();
      expect(performance.now() - startedAt).toBeLessThan(2_000);
      for (const answer of answers) {
        expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
        expect(await answer.json()).toMatchObject({ status: 503, code: 'shard_unavailable', outcome: 'none' });
      }
    }
    const [left, right] = await Promise.all(
      keys.map((key) => fetch(`${engine.url}/v1/transactions`, { headers: { authorization: `Bearer ${key}` } })),
    );
    expect([left?.status, right?.status]).toEqual([503, 200]);
  } finally {
    goOn();
  }
  await until('readers are answered again', async () => (await statuses()) === whole);
  await Promise.all(journals.map((journal) => journal.prove()));
});

test('kill -9 of parent and engine: the next start takes over the servers that were left running', async () => {
  await underLoad();
  const [left, right] = [await postmaster(0), await postmaster(1)];
  await engine.kill();
  expect([isAlive(left), isAlive(right)], 'the servers are left to themselves').toEqual([true, true]);
  await startAgain();
  expect(engine.log()).toContain('took over the Postgres');
  await allTrue();
  expect([await postmaster(0), await postmaster(1)]).toEqual([left, right]);
});

test('a second engine on the same folder is refused with one line', async () => {
  const second = await millrace(['serve'], { MILLRACE_DATA_DIR: engine.dataDir, MILLRACE_HTTP__PORT: '0' });
  expect(second.code).toBe(3);
  expect(second.err.trim().split('\n')).toEqual([
    expect.stringContaining(`another engine is running on ${engine.dataDir}`),
  ]);
  expect(await callEngine(engine.dataDir, { do: 'engine.status' })).toMatchObject({ draining: false });
});

test('SIGTERM under load: everything is answered or refused, the exit code is 0, every success is there', async () => {
  await underLoad();
  expect(await engine.stop()).toBe(0);
  await Promise.all(journals.map((journal) => journal.stop()));
  for (const { entries } of journals) {
    // Once the door is closed nobody comes in; before that, nobody who had come in was sent away without a word.
    const unheard = entries.findIndex(({ answer }) => answer === null);
    const rest = unheard === -1 ? [] : entries.slice(unheard);
    expect(rest.filter(({ answer }) => answer?.status === 201).length).toBeLessThanOrEqual(8);
  }
  const verified = await millrace(['verify'], { MILLRACE_DATA_DIR: engine.dataDir });
  expect(verified.code, verified.out + verified.err).toBe(0);
  await startAgain();
  await Promise.all(journals.map((journal) => journal.prove()));
});

test('SIGTERM twice in a moment, as npm passes on what the terminal has sent too, is one', async () => {
  await underLoad();
  const postmasters = [await postmaster(0), await postmaster(1)];
  engine.process.kill('SIGTERM');
  await until('the engine is stopping', () => engine.log().includes('stopping: no new requests'));
  expect(await engine.stop()).toBe(0);
  expect(postmasters.filter(isAlive)).toEqual([]);
  await startAgain();
  await Promise.all(journals.map((journal) => journal.prove()));
});

test('SIGTERM again while it stops ends it at once, and loses nothing that was answered', async () => {
  await underLoad();
  const pid = await engine.enginePid();
  // A server with a process that stands still does not stop, and the engine waits for it.
  const writer = await writerOf(0);
  process.kill(writer, 'SIGSTOP');
  try {
    await until('the engine has ended', () => {
      engine.process.kill('SIGTERM');
      return !isAlive(pid);
    });
    await until('the parent has ended', () => engine.process.exitCode !== null || engine.process.signalCode !== null);
  } finally {
    process.kill(writer, 'SIGCONT');
  }
  expect(engine.process.exitCode).toBe(1);
  await startAgain();
  await Promise.all(journals.map((journal) => journal.prove()));
});
