/** The OpenAPI 3.1 document, made from the routes, the schemas and the error table. */
import type { ErrorCode } from '../../ledger/errors.js';
import { errorByCode } from '../../ledger/errors.js';
import { PROBLEM_TYPE } from '../problem.js';
import { AccountName, IdempotencyKey } from '../schemas/common.js';
import type { SchemaName } from '../schemas/index.js';
import { QUERIES, SCHEMAS } from '../schemas/index.js';
import type { RouteSpec } from './routes.js';
import { AUTH_ERRORS, BODY_ERRORS, COMMON_ERRORS, ROUTES, WRITE_ERRORS } from './routes.js';

type Json = Readonly<Record<string, unknown>>;

let text: string | null = null;

/** The document as JSON text; made at the first call. */
export function openApiDocument(): string {
  text ??= JSON.stringify(buildDocument());
  return text;
}

function buildDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version: 'v1',
      summary: 'A double-entry ledger that answers when it is durable.',
      description:
        'Bodies are JSON or msgpack by Content-Type and Accept; problems are always application/problem+json. Amounts are integers of minor units, as strings of digits beyond 2^53−1.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [{ name: 'transactions' }, { name: 'accounts' }, { name: 'service' }],
    paths: paths(),
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key made by `millrace keys create`: mr_live_… or mr_test_….',
        },
      },
      schemas: SCHEMAS,
      headers: HEADERS,
    },
  };
}

const HEADERS: Json = {
  ConsistencyToken: {
    description: 'Opaque. A read that presents it is never older than this answer.',
    schema: { type: 'string' },
  },
  IdempotencyReplayed: {
    description: '`true` where this is the remembered answer to an earlier request with the same key.',
    schema: { type: 'string', const: 'true' },
  },
  RetryAfter: { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 0 } },
};

function paths(): Json {
  const byPath: Record<string, Record<string, Json>> = {};
  for (const route of ROUTES as readonly RouteSpec[]) {
    byPath[route.path] ??= {};
    (byPath[route.path] as Record<string, Json>)[route.method.toLowerCase()] = operation(route); // made the line before
  }
  return byPath;
}

function operation(route: RouteSpec): Json {
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.auth ? [{ apiKey: [] }] : [],
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body === undefined ? {} : { requestBody: requestBody(route, route.body) }),
    responses: { ...answers(route), ...problems(route) },
  };
}

function pathParameters(route: RouteSpec): Json[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    description: name === 'name' ? 'Percent-encoded: customer%2F42.' : 'The id of a transaction.',
    schema: name === 'name' ? AccountName : { type: 'string' },
  }));
}

function queryParameters(route: RouteSpec): Json[] {
  if (route.query === undefined) return [];
  return Object.entries(QUERIES[route.query]).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    ...(name === 'metadata' ? { style: 'deepObject', explode: true } : {}),
    schema: schema as unknown,
  }));
}

function headerParameters(route: RouteSpec): Json[] {
  const parameters: Json[] = [];
  if (route.key !== 'none') {
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      // Independent batches and dry runs carry none, so no document can say that it is always there.
      required: false,
      description:
        route.key === 'header'
          ? 'Required unless it is a dry run. 1–255 printable ASCII characters, bare or as a quoted string.'
          : 'Required with `"atomic": true`, refused without: each item then has its own.',
      schema: IdempotencyKey,
    });
  }
  if (route.ifMatch) {
    parameters.push({
      name: 'If-Match',
      in: 'header',
      required: false,
      description: 'The present config_version.',
      schema: { type: 'string' },
    });
  }
  if (route.method === 'GET' && route.auth) {
    parameters.push({
      name: 'Consistency-Token',
      in: 'header',
      required: false,
      description: 'Of an earlier answer: this read is never older.',
      schema: { type: 'string' },
    });
  }
  return parameters;
}

function requestBody(route: RouteSpec, name: SchemaName): Json {
  return { required: route.bodyOptional !== true, content: content(name) };
}

function content(name: SchemaName): Json {
  return bothForms({ $ref: `#/components/schemas/${name}` });
}

function bothForms(schema: Json): Json {
  return { 'application/json': { schema }, 'application/msgpack': { schema } };
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  101: 'The connection is a stream from here on.',
  201: 'Done and durable.',
  503: 'Not ready.',
};

function answerContent(name: Exclude<RouteSpec['answers'][number], 'upgrade' | undefined>): Json {
  if (name === 'text/plain') return { [name]: { schema: { type: 'string' } } };
  return name === null ? bothForms({ type: 'object' }) : content(name);
}

function answers(route: RouteSpec): Json {
  const replayed =
    route.key === 'none' ? {} : { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } };
  const headers = route.auth
    ? { 'Consistency-Token': { $ref: '#/components/headers/ConsistencyToken' }, ...replayed }
    : {};
  return Object.fromEntries(
    Object.entries(route.answers).map(([status, name]) => [
      status,
      {
        description: DESCRIPTIONS[status] ?? 'The answer.',
        ...(name === 'upgrade' ? {} : { headers, content: answerContent(name) }),
      },
    ]),
  );
}

/** Problems that a route may answer, in the order of the error table. */
export function errorsOf(route: RouteSpec): readonly ErrorCode[] {
  const codes = new Set<ErrorCode>([
    ...COMMON_ERRORS,
    ...(route.auth ? AUTH_ERRORS : []),
    ...(route.bodyMax > 0 ? BODY_ERRORS : []),
    ...(route.key === 'none' ? [] : WRITE_ERRORS),
    ...route.errors,
  ]);
  return [...codes].sort((a, b) => errorByCode(a).number - errorByCode(b).number);
}

function problems(route: RouteSpec): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(route)) {
    const { status } = errorByCode(code);
    // /readyz answers 503 with its own body.
    if (route.answers[status] !== undefined) continue;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [String(status), problem(codes)]));
}

function problem(codes: readonly ErrorCode[]): Json {
  const retry = codes.some((code) => [429, 503].includes(errorByCode(code).status) || code === 'key_in_flight');
  return {
    description: codes.map((code) => `\`${code}\`: ${errorByCode(code).title}`).join('\n\n'),
    ...(retry ? { headers: { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } } } : {}),
    content: {
      [PROBLEM_TYPE]: {
        schema: {
          allOf: [{ $ref: '#/components/schemas/Problem' }, { type: 'object', properties: { code: { enum: codes } } }],
        },
      },
    },
  };
}
