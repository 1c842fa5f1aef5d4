/**
 * The ordinary way to do it, to compare with: Fastify, a pool of 20 sessions, one SQL transaction a request with the same
 * double entry. It answers the requests of the bench in the engine's form.
 *
 * Run as a child: argument 1 is {@link OrdinaryOptions} as JSON; it says its port as the first message.
 */
import Fastify from 'fastify';
import pg from 'pg';
import { type Leg, post, Refused } from './posting.js';

export interface OrdinaryOptions {
  readonly databaseUrl: string;
  /** A merchant each, numbered from 0. */
  readonly keys: readonly string[];
}

const SESSIONS = 20;
const { databaseUrl, keys } = JSON.parse(process.argv[2] ?? '{}') as OrdinaryOptions;
const merchants = new Map(keys.map((key, merchant) => [`Bearer ${key}`, merchant]));
const pool = new pg.Pool({ connectionString: databaseUrl, max: SESSIONS, application_name: 'bench ordinary' });
pool.on('error', () => undefined);
const app = Fastify();

const name = { type: 'string', minLength: 1, maxLength: 128 } as const;
const leg = {
  type: 'object',
  required: ['debit', 'credit', 'amount', 'currency'],
  additionalProperties: false,
  properties: {
    debit: name,
    credit: name,
    amount: { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    currency: { type: 'string', pattern: '^[A-Z]{3}$' },
  },
} as const;
const schema = {
  headers: { type: 'object', required: ['idempotency-key'], properties: { 'idempotency-key': name } },
  body: {
    type: 'object',
    required: ['legs'],
    additionalProperties: false,
    properties: { legs: { type: 'array', minItems: 1, maxItems: 64, items: leg } },
  },
} as const;

app.post<{ Body: { legs: Leg[] }; Headers: { 'idempotency-key': string; authorization?: string } }>(
  '/v1/transactions',
  { schema },
  async (request, reply) => {
    const merchant = merchants.get(request.headers.authorization ?? '');
    if (merchant === undefined) throw new Refused(401, 'unauthorized');
    const posted = await post(pool, merchant, request.headers['idempotency-key'], request.body.legs);
    const at = posted.createdAt.toISOString();
    if (posted.replayed) reply.header('Idempotency-Replayed', 'true');
    reply.code(201);
    return { id: `txn_${posted.id}`, status: 'posted', legs: posted.legs, created_at: at, effective_at: at };
  },
);
app.setErrorHandler((error, _request, reply) => {
  if (error instanceof Refused) return reply.code(error.status).send({ code: error.code });
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  return reply.code(status).send({ code: status === 500 ? 'internal_error' : 'invalid_request' });
});

const stop = async (): Promise<void> => {
  await app.close();
  await pool.end();
  process.disconnect?.();
};
process.once('SIGTERM', () => void stop());
process.once('disconnect', () => process.exit());
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
