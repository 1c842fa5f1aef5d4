/** Whole requests for every route of the API, from its table of routes: as they should be, and with faults anywhere. */
import type { RouteSpec } from '../../../src/http/openapi/routes.js';
import { ROUTES } from '../../../src/http/openapi/routes.js';
import { QUERIES, SCHEMAS } from '../../../src/http/schemas/index.js';
import type { Random } from '../support/random.js';
import { mutateBytes } from './bytes.js';
import { toJson, toMsgpack } from './encode.js';
import { bomb, mutate } from './mutate.js';
import { anyName, anyTransaction, CURSOR, KEY, MARK, TOKEN } from './names.js';
import type { Node } from './node.js';
import { fitting, freshKey, type Schema } from './values.js';

/** How often each route is asked: what writes most of all. */
const WEIGHTS: Readonly<Record<string, number>> = {
  postTransaction: 10,
  postTransactionBatch: 5,
  openAccount: 3,
  openAccounts: 2,
  changeAccount: 3,
};

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];

type Field = readonly [name: string, value: string];

export interface RequestOptions {
  /** Share of requests that have nothing wrong with them. */
  readonly fitting: number;
}

/** One request, placeholders in it, as latin1. */
export function anyRequest(random: Random, options: RequestOptions): string {
  const route = random.weighted<RouteSpec>(ROUTES.map((spec) => [WEIGHTS[spec.operationId] ?? 1, () => spec]));
  const sound = random.chance(options.fitting);
  const method = sound || random.chance(0.97) ? route.method : random.pick(METHODS);
  const path = pathOf(route, sound, random) + queryOf(route, sound, random);
  const { fields, body } = bodyOf(route, sound, random);
  return written(method, path, [...headersOf(route, sound, random), ...fields], body);
}

/** With its length, where it has a body. */
export function written(method: string, path: string, fields: readonly Field[], body: string): string {
  const length: Field[] = body === '' && method === 'GET' ? [] : [['Content-Length', String(body.length)]];
  const lines = [...fields, ...length].map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, 'Host: ledger.test', ...lines, '', body].join('\r\n');
}

const SEGMENTS = [
  'x',
  '%00',
  '%2e%2e',
  '%ff',
  'a%2',
  'a%2F',
  '..',
  '%252e',
  '*',
  'batch',
  '~',
  'x'.repeat(200),
  '%F0%9F%98%80',
];
const PATHS = [
  '/',
  '/v1',
  '/v2/accounts',
  '/v1/accounts/',
  '/v1/accounts//',
  '/v1/transactions/x/y/z',
  '//',
  '/v1/./accounts',
  '/V1/accounts',
];

function pathOf({ path }: RouteSpec, sound: boolean, random: Random): string {
  if (!sound && random.chance(0.02)) return random.pick(PATHS);
  return path.replace(/\{(\w+)\}/, (_, what: string) => {
    if (!sound && random.chance(0.1)) return random.pick(SEGMENTS);
    return what === 'name' ? anyName(random).replaceAll('/', '%2F') : anyTransaction(random);
  });
}

function queryOf(route: RouteSpec, sound: boolean, random: Random): string {
  const parameters = route.query === undefined ? [] : Object.entries(QUERIES[route.query]);
  const pairs = parameters
    .filter(() => random.chance(0.25))
    .map(
      ([name, schema]) =>
        `${name === 'metadata' ? 'metadata[k]' : name}=${parameter(name, schema as Schema, sound, random)}`,
    );
  if (!sound && random.chance(0.1))
    pairs.push(
      random.pick([
        'x=1',
        'limit=0',
        '',
        '=',
        'limit',
        'limit=1&limit=1',
        'cursor=',
        'metadata[]=',
        '%',
        'a%00=1',
        'at=now',
      ]),
    );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function parameter(name: string, schema: Schema, sound: boolean, random: Random): string {
  if (name === 'cursor') return sound ? CURSOR : random.pick([CURSOR, TOKEN, 'c1.x', 'c1.', '%00']);
  if (!sound && random.chance(0.2))
    return random.pick([
      '',
      '0',
      '-1',
      '1e3',
      '%ff',
      '%',
      'null',
      '9'.repeat(400),
      '%F0%9F%98%80',
      '1970-01-01T00:00:00Z',
    ]);
  const node = fitting(schema, random);
  const text = node.kind === 'string' ? node.text : node.kind === 'integer' ? String(node.value) : 'v';
  return name === 'at' || name === 'as_of' ? '2024-01-01T00:00:00Z' : encodeURIComponent(text).replaceAll('%40', '@');
}

function headersOf(route: RouteSpec, sound: boolean, random: Random): Field[] {
  const odd = (share: number): boolean => !sound && random.chance(share);
  const fields: Field[] = [];
  if (odd(0.02))
    fields.push([
      'Authorization',
      random.pick(['', 'Bearer', 'Bearer x', `Basic ${KEY}`, `Bearer ${KEY}x`, `Bearer  ${KEY}`]),
    ]);
  else if (!odd(0.01)) fields.push(['Authorization', `Bearer ${KEY}`]);
  if (route.key === 'header' || (route.key === 'items' && random.chance(0.3))) {
    if (!odd(0.05)) fields.push(['Idempotency-Key', odd(0.1) ? oddKey(random) : freshKey(random)]);
  } else if (odd(0.02)) fields.push(['Idempotency-Key', freshKey(random)]);
  if (random.chance(0.3))
    fields.push([
      'Accept',
      random.pick([
        '*/*',
        'application/json',
        'application/msgpack',
        'application/msgpack;q=0.5, application/json;q=0.4',
      ]),
    ]);
  else if (odd(0.03))
    fields.push([
      'Accept',
      random.pick(['', 'text/html', 'application/*;q=0', ',,,', 'application/json;q=x', '*/*;q=-1', 'a'.repeat(3000)]),
    ]);
  if (route.ifMatch && random.chance(0.3))
    fields.push([
      'If-Match',
      random.pick(['"1"', '0', '*', ...(sound ? [] : ['', '"', 'W/"1"', '1, 2', '9'.repeat(30)])]),
    ]);
  if (random.chance(0.1))
    fields.push([
      'Consistency-Token',
      odd(0.5) ? random.pick(['', 'c1.', 'c1.AAAA', 'c9.x', TOKEN.slice(0, 3), 'x'.repeat(900)]) : TOKEN,
    ]);
  if (odd(0.03))
    fields.push(
      random.pick<Field>([
        ['X-Odd', '\xff\xfe'],
        ['Cookie', 'a=b; c'],
        ['Expect', '100-continue'],
        ['Content-Encoding', 'gzip'],
        ['Content-Encoding', 'identity'],
        ['X-Forwarded-For', '127.0.0.1'],
        ['X-HTTP-Method-Override', 'DELETE'],
        ['Range', 'bytes=0-1'],
        ['Connection', 'close'],
      ]),
    );
  return fields;
}

function oddKey(random: Random): string {
  return random.pick([
    'repeated',
    '"repeated"',
    '"',
    '"a',
    '"a\\b"',
    '""',
    'x'.repeat(255),
    'x'.repeat(256),
    'é',
    '\x01',
    'a b',
    ' ',
    MARK,
  ]);
}

function bodyOf(route: RouteSpec, sound: boolean, random: Random): { fields: Field[]; body: string } {
  if (route.body === undefined) return { fields: [], body: !sound && route.method !== 'GET' ? '{}' : '' };
  if (route.bodyOptional && random.chance(0.3)) return { fields: [], body: '' };
  const form = random.chance(0.65) ? 'json' : 'msgpack';
  const type =
    !sound && random.chance(0.04)
      ? random.pick([
          '',
          'text/plain',
          'application/json; charset=utf-16',
          'application/x-msgpack',
          'application/json;',
          'APPLICATION/JSON; CHARSET="UTF-8"',
          form === 'json' ? 'application/msgpack' : 'application/json',
        ])
      : `application/${form}`;
  return { fields: [['Content-Type', type]], body: bodyText(route, form, sound, random) };
}

function bodyText(route: RouteSpec, form: 'json' | 'msgpack', sound: boolean, random: Random): string {
  if (!sound && random.chance(0.005)) return bomb(form, random);
  const root: { node: Node } = { node: fitting(SCHEMAS[route.body as keyof typeof SCHEMAS] as Schema, random) };
  const mutations = sound ? 0 : random.pick([0, 1, 1, 1, 2, 3]);
  for (let mutation = 0; mutation < mutations; mutation++) mutate(root, random);
  const text = form === 'json' ? toJson(root.node, random) : toMsgpack(root.node, random);
  return !sound && random.chance(0.15) ? mutateBytes(text, random) : text;
}
