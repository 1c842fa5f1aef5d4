/** What `millrace keys`, `millrace shards` and others ask of a running engine, over the socket in its data folder. */
import Type from 'typebox';
import { Value } from 'typebox/value';
import type { Supervisor } from '../../engine/supervisor/supervisor.js';
import type { AdminHandler } from '../../platform/lock.js';
import type { ControlKey } from '../../store/control/state.js';
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
]);
type AdminRequest = Type.Static<typeof AdminRequest>;

interface Options {
  readonly control: Control;
  readonly supervisor: Supervisor;
  readonly draining: () => boolean;
}

export function answerAdmin({ control, supervisor, draining }: Options): AdminHandler {
  return async (request) => {
    if (!Value.Check(AdminRequest, request)) throw new Error(`the engine does not know the request "${request.do}" in this form`);
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
    }
  };
}

/** All of a key but its hash. */
function publicPart({ id, merchant, environment, scopes, createdAt, revoked }: ControlKey) {
  return { id, merchant, environment, scopes, createdAt, revoked };
}
