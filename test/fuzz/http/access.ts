/** Every path of the API with every method, and what each must say to a sender who has no right to it. */

import { ROUTES, type RouteSpec } from '../../../src/http/openapi/routes.js';
import { callEngine } from '../../../src/platform/lock.js';
import type { RunningEngine } from '../../support/engine.js';
import { KEY, OWN_VAULT, TOKEN, transactionId } from './names.js';
import { written } from './request.js';
import { Connection } from './socket.js';

export type Access = 'missing' | 'malformed' | 'unknown' | 'revoked';

export interface AccessRow {
  readonly method: string;
  readonly path: string;
  /** Status and code without a key that is in force; of open routes their success. */
  readonly refusal: string;
  /** With the sender's own key. */
  readonly request: string;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Bodies that are right, wrong, absent: the order of problems must not tell what exists. */
const BODIES = ['{}', '{"amount":1}', '{"amount":0}', '{', ''];
const TOKENS = [null, TOKEN, 'c1.wrong'];

/** @param slot of the transaction that paths name */
export function accessRows(slot: 'f' | 'u' = 'u'): AccessRow[] {
  const paths = [...new Set<string>(ROUTES.map(({ path }) => path))];
  return paths.flatMap((template) => {
    const path = template.replace('{id}', transactionId(slot)).replace('{name}', OWN_VAULT);
    return METHODS.flatMap((method) => {
      const spec = ROUTES.find(
        (route) => route.path === template && route.method === (method === 'HEAD' ? 'GET' : method),
      );
      const refusal = refusalOf(spec, template, method);
      const rows = template.includes('{id}')
        ? variants(method, path, spec)
        : [withKey(method, path, '', 'access', null)];
      return rows.map((request) => ({ method, path, refusal, request }));
    });
  });
}

function refusalOf(spec: RouteSpec | undefined, template: string, method: string): string {
  // The name of an account may be that of a fixed path.
  const known =
    spec ??
    (template === '/v1/accounts/batch' && ['GET', 'HEAD', 'PATCH'].includes(method) ? { auth: true } : undefined) ??
    (template === '/v1/transactions/batch' && ['GET', 'HEAD'].includes(method) ? { auth: true } : undefined);
  if (known === undefined) return '405 method_not_allowed';
  return known.auth ? '401 unauthorized' : '200 ';
}

/** Each with a key that is new, one that was used for another request, none. */
function variants(method: string, path: string, spec: RouteSpec | undefined): string[] {
  if (spec === undefined || method === 'GET' || method === 'HEAD')
    return TOKENS.map((token) => withKey(method, path, '', null, token));
  return BODIES.flatMap((body) =>
    ['fresh', 'fund vault@own', null].map((key) => withKey(method, path, body, key, null)),
  );
}

function withKey(method: string, path: string, body: string, key: string | null, token: string | null): string {
  return written(
    method,
    path,
    [
      ['Authorization', `Bearer ${KEY}`],
      ['Content-Type', 'application/json'],
      ...(key === null ? [] : [['Idempotency-Key', key] as const]),
      ...(token === null ? [] : [['Consistency-Token', token] as const]),
    ],
    body,
  );
}

const revoked = new Map<RunningEngine, Promise<string>>();

/** @returns status and code */
export async function askWithout(engine: RunningEngine, access: Access, { method, path }: AccessRow): Promise<string> {
  const value = {
    missing: null,
    malformed: 'Bearer',
    unknown: `Bearer ${engine.key.slice(0, -1)}${engine.key.endsWith('a') ? 'b' : 'a'}`,
    revoked: '',
  }[access];
  const authorization = access === 'revoked' ? `Bearer ${await revokedKey(engine)}` : value;
  const connection = new Connection(engine.port);
  const fields = authorization === null ? [] : [['Authorization', authorization] as const];
  const answer = await connection.ask(written(method, path, fields, ''));
  connection.close();
  if (answer === null) return 'nothing';
  const { body, status, headers } = answer;
  if (method === 'HEAD')
    return status === 401 ? '401 unauthorized' : status === 405 ? '405 method_not_allowed' : `${status} `;
  // Figures of the engine are text.
  if (headers.get('content-type')?.startsWith('text/') === true) return `${status} `;
  return `${status} ${JSON.parse(body.toString()).code ?? ''}`;
}

function revokedKey(engine: RunningEngine): Promise<string> {
  let key = revoked.get(engine);
  if (key === undefined) {
    key = revokeOne(engine);
    revoked.set(engine, key);
  }
  return key;
}

/** One that was in force, until the front has heard that it is no more. */
async function revokeOne({ dataDir, url }: RunningEngine): Promise<string> {
  const request = { do: 'keys.create', merchant: 'm-revoked', environment: 'test', scopes: [] };
  const { id, token } = (await callEngine(dataDir, request)) as { id: string; token: string };
  const status = async (): Promise<number> =>
    (await fetch(`${url}/v1/accounts`, { headers: { Authorization: `Bearer ${token}` } })).status;
  const until = performance.now() + 5_000;
  while ((await status()) !== 200) if (performance.now() > until) throw new Error('the key never acts');
  await callEngine(dataDir, { do: 'keys.revoke', id });
  while ((await status()) !== 401) if (performance.now() > until) throw new Error('the key acts though it is revoked');
  return token;
}
