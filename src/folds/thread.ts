/** Entry of the thread that folds: one runner a shard, each independent of the others' failures. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPortSql } from '../store/port-sql.js';
import { foldsName } from '../store/postgres/names.js';
import { createPgSql } from '../store/postgres/sql.js';
import type { Sql } from '../store/sql.js';
import type { FoldThreadData, FromFoldThread, ToFoldThread } from './messages.js';
import { FoldRunner, STEP_RECORDS_MAX } from './runner.js';

/** PGlite lives in the thread that commits, and answers nothing else during a step: so steps are short there. */
const STEP_RECORDS_MAX_PGLITE = 4_000;
/** Of the lag that is allowed: commits must not be slowed while the folds wait for a larger step. */
const STEP_SHARE = 0.4;

type Shard = FoldThreadData['shards'][number];

const { shards, lagRecordsMax } = workerData as FoldThreadData;
const port = parentPort;
if (port === null) throw new Error('this module is the entry of a worker thread');
const tell = (message: FromFoldThread): void => port.postMessage(message);

function connect({ name, connection }: Shard): Sql {
  if (connection.kind === 'port') return createPortSql(connection.port);
  return createPgSql({ url: connection.url, applicationName: foldsName(name), connectionsMax: 1 });
}

const running = shards.map((shard) => {
  const sql = connect(shard);
  const runner = new FoldRunner({
    shard: shard.name,
    sql,
    stepRecordsMax: Math.min(
      shard.connection.kind === 'port' ? STEP_RECORDS_MAX_PGLITE : STEP_RECORDS_MAX,
      Math.ceil(lagRecordsMax * STEP_SHARE),
    ),
    onLag: (lag) => tell({ type: 'lag', ...lag }),
    onError: ({ message }, retryInMs) =>
      tell({ type: 'error', shard: shard.name, message, retryInMs: Math.round(retryInMs) }),
  });
  runner.start();
  return { name: shard.name, runner, sql };
});

async function stop(): Promise<void> {
  await Promise.all(
    running.map(async ({ runner, sql }) => {
      await runner.stop();
      await sql.close();
    }),
  );
  port?.close();
}

port.on('message', (message: ToFoldThread) => {
  if (message.type === 'stop') void stop();
  else running.find(({ name }) => name === message.shard)?.runner.poke();
});
