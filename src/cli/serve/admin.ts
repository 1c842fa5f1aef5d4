/** What `millrace keys`, `millrace shards` and others ask of a running engine, over the socket in its data folder. */
import Type from 'typebox';
import { Value } from 'typebox/value';
import type { ShardSpec } from '../../engine/supervisor/messages.js';
import type { Supervisor } from '../../engine/supervisor/supervisor.js';
import { chainEnd } from '../../folds/verify/checkpoint.js';
import { makeReceipt } from '../../folds/verify/receipt.js';
import type { CheckResult } from '../../folds/verify/verify.js';
import { verifyShard } from '../../folds/verify/verify.js';
import type { AdminHandler } from '../../platform/lock.js';
import type { ControlKey } from '../../store/control/state.js';
import { createPortSql } from '../../store/port-sql.js';
import type { Sql } from '../../store/sql.js';
import { comparePoints } from '../checkpoint.js';
import type { VerifiedShard } from '../verify.js';
import type { Control } from './control.js';

const Environment = Type.Union([Type.Literal('test'), Type.Literal('live')]);

const AdminRequest = Type.Union([
  Type.Object({ do: Type.Literal('engine.status') }),
  Type.Object({
    do: Type.Literal('keys.create'),
    merchant: Type.String(),
    environment: Environment,
    scopes: Type.Array(Type.Literal('force')),
  }),
  Type.Object({ do: Type.Literal('keys.list') }),
  Type.Object({ do: Type.Literal('keys.revoke'), id: Type.String() }),
  Type.Object({ do: Type.Literal('shards') }),
  Type.Object({ do: Type.Literal('verify') }),
  Type.Object({ do: Type.Literal('checkpoint.ends') }),
  Type.Object({
    do: Type.Literal('checkpoint.compare'),
    points: Type.Array(
      Type.Object({ shard: Type.String(), log: Type.Integer(), position: Type.Integer(), digest: Type.String() }),
    ),
  }),
  Type.Object({ do: Type.Literal('receipt'), transaction: Type.String() }),
]);
type AdminRequest = Type.Static<typeof AdminRequest>;

interface Options {
  readonly control: Control;
  readonly supervisor: Supervisor;
  readonly shards: readonly ShardSpec[];
  readonly draining: () => boolean;
}

export function answerAdmin({ control, supervisor, shards, draining }: Options): AdminHandler {
  return async (request) => {
    if (!Value.Check(AdminRequest, request))
      throw new Error(`the engine does not know the request "${request.do}" in this form`);
    const asked: AdminRequest = request;
    switch (asked.do) {
      case 'engine.status':
        return { draining: draining(), pid: process.pid };
      case 'keys.create': {
        const { merchant, environment, scopes } = asked;
        const { token, key } = await control.createKey({ merchant, environment, scopes });
        return { token, ...publicPart(key) };
      }
      case 'keys.list':
        return control.keys().map(publicPart);
      case 'keys.revoke':
        return publicPart(await control.revokeKey(asked.id));
      case 'shards':
        return supervisor.shards();
      case 'verify':
        return onShards(supervisor, shards, verifyOne);
      case 'checkpoint.ends':
        return onShards(supervisor, shards, chainEnd);
      case 'checkpoint.compare':
        return onShards(supervisor, shards, (sql, name) => comparePoints(sql, name, asked.points));
      case 'receipt':
        return onShards(supervisor, shards, (sql) => makeReceipt(sql, asked.transaction));
    }
  };
}

/** For databases that only the engine can open. */
async function onShards<Result>(
  supervisor: Supervisor,
  shards: readonly ShardSpec[],
  ask: (sql: Sql, name: string) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const { shard, name } of shards) {
    const sql = createPortSql(supervisor.sqlPort(shard));
    try {
      results.push(await ask(sql, name));
    } finally {
      await sql.close();
    }
  }
  return results;
}

async function verifyOne(sql: Sql, name: string): Promise<VerifiedShard> {
  const results: CheckResult[] = [];
  for await (const result of verifyShard(sql)) results.push(result);
  return { name, results };
}

/** All of a key but its hash. */
function publicPart({ id, merchant, environment, scopes, createdAt, revoked }: ControlKey) {
  return { id, merchant, environment, scopes, createdAt, revoked };
}
