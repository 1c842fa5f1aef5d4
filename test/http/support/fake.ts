/** A front with a scripted engine and scripted reads behind it. */
import { deliverAnswer, encodeAnswer } from '../../../src/engine/wire/answer.js';
import type {
  Answer,
  AnswerReceiver,
  ColdRequest,
  EngineClient,
  MerchantPlace,
  OnAnswer,
  PostRequest,
  RequestHead,
} from '../../../src/engine/wire/messages.js';
import { type PlainPosts, POST_ROUTE } from '../../../src/engine/wire/plain-post.js';
import { type Front, type FrontOptions, type FrontShard, KeyTable, startFront } from '../../../src/http/front.js';
import { FrontCounters, newFrontCounters } from '../../../src/http/metrics/counters.js';
import { Metrics } from '../../../src/http/metrics/metrics.js';
import type { Reader } from '../../../src/http/routes/context.js';
import { CurrencyTable } from '../../../src/ledger/currency.js';
import type { ErrorCode } from '../../../src/ledger/errors.js';
import { RecordKind } from '../../../src/ledger/record.js';
import type { AccountView, RecordView } from '../../../src/ledger/view.js';
import { createApiKey } from '../../../src/platform/api-key.js';
import { IdCodec } from '../../../src/platform/ids/id-codec.js';
import { Sealer } from '../../../src/platform/ids/sealed.js';
import { plainKey, plainRequest } from '../../engine/wire/plain.js';

export type Reply = Answer | { readonly refuse: ErrorCode };
export const HASH_KEY = new Uint8Array(16).fill(7);
export const LOG_ID = 11;
export const BOOK = 3;
export const RECORDED_AT = 1_700_000_000_000_000;

export class FakeEngine implements EngineClient {
  readonly posts: { head: RequestHead; request: PostRequest }[] = [];
  readonly asks: { head: RequestHead; request: ColdRequest }[] = [];
  onPost: (head: RequestHead, request: PostRequest) => Reply | null = () => ({ refuse: 'shard_unavailable' });
  onAsk: (head: RequestHead, request: ColdRequest) => Reply | null = () => ({ refuse: 'shard_unavailable' });
  /** Answers that were held back (null replies), in order. */
  readonly held: OnAnswer[] = [];

  post(head: RequestHead, request: PostRequest, receiver: AnswerReceiver, tag: number): ErrorCode | null {
    const reply = this.onPost(head, request);
    if (reply !== null && 'refuse' in reply) return reply.refuse;
    this.posts.push({ head, request });
    return this.#reply(reply, (answer) => deliver(answer, receiver, tag));
  }

  postPlain(
    { shard, book }: MerchantPlace,
    key: string | null,
    posts: PlainPosts,
    index: number,
    receiver: AnswerReceiver,
    tag: number,
  ): ErrorCode | null {
    const head = { shard, book, key: key ?? plainKey(posts, index), route: POST_ROUTE };
    return this.post(head, plainRequest(posts, index), receiver, tag);
  }

  ask(head: RequestHead, request: ColdRequest, onAnswer: OnAnswer): ErrorCode | null {
    const reply = this.onAsk(head, request);
    if (reply !== null && 'refuse' in reply) return reply.refuse;
    this.asks.push({ head, request });
    return this.#reply(reply, onAnswer);
  }

  #reply(reply: Answer | null, onAnswer: OnAnswer): null {
    if (reply === null) this.held.push(onAnswer);
    else setImmediate(() => onAnswer(reply));
    return null;
  }
}

/** As it comes off a ring. */
function deliver(answer: Answer, receiver: AnswerReceiver, tag: number): void {
  const encoded = encodeAnswer(0, answer);
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  deliverAnswer(encoded, view, 0, encoded.length, receiver, tag);
}

export type FakeReader = { -readonly [K in keyof Reader]: Reader[K] };

export function emptyReader(): FakeReader {
  return {
    record: async () => null,
    records: async () => [],
    unit: async () => [],
    transaction: async () => null,
    transactions: async () => ({ data: [], next: null }),
    entries: async () => null,
    accountAt: async () => null,
    accountAsOf: async () => null,
    accounts: async () => ({ data: [], next: null }),
    metadata: async () => null,
    waitFor: async () => true,
  };
}

export interface World {
  readonly front: Front;
  readonly engine: FakeEngine;
  readonly reader: FakeReader;
  readonly keys: KeyTable;
  readonly errors: unknown[];
  readonly ids: IdCodec;
  readonly sealer: Sealer;
  readonly token: string;
  readonly forceToken: string;
  readonly revokedToken: string;
  url(path: string): string;
  /** A request with the key; JSON unless `headers` say otherwise. */
  send(method: string, path: string, options?: SendOptions): Promise<Sent>;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly raw?: string | Uint8Array;
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read loosely, as a client would.
  readonly json: any;
}

export async function startWorld(server: 'uws' | 'node', changes: Partial<FrontOptions> = {}): Promise<World> {
  const engine = new FakeEngine();
  const reader = emptyReader();
  const [plain, forced, revoked] = [createApiKey('test'), createApiKey('test'), createApiKey('test')];
  const row = { merchant: 'm1', environment: 'test', book: BOOK, shard: 0, scopes: [], revoked: false } as const;
  const keys = new KeyTable([
    { ...row, id: plain.id, hash: plain.hash },
    { ...row, id: forced.id, hash: forced.hash, scopes: ['force'] },
    { ...row, id: revoked.id, hash: revoked.hash, revoked: true },
  ]);
  const shard: FrontShard = { logId: LOG_ID, incarnation: 1, hashKey: HASH_KEY, reader };
  const errors: unknown[] = [];
  const counters = new FrontCounters(newFrontCounters(1), 0);
  const front = await startFront({
    server,
    host: '127.0.0.1',
    port: 0,
    engine,
    keys,
    shard: () => shard,
    currencies: new CurrencyTable(),
    inFlightMax: 1000,
    admission: { queueMs: 250, shareMs: 10, commitMs: () => 0 },
    version: '1.2.3',
    counters,
    metrics: new Metrics(counters, () => []),
    readiness: () => ({ ready: true, shards: [{ name: 's0', ready: true }] }),
    onError: (error) => errors.push(error),
    ...changes,
  });
  const url = (path: string): string => `http://127.0.0.1:${front.port}${path}`;
  return {
    front,
    engine,
    reader,
    keys,
    errors,
    ids: new IdCodec(HASH_KEY),
    sealer: new Sealer(HASH_KEY),
    token: plain.token,
    forceToken: forced.token,
    revokedToken: revoked.token,
    url,
    async send(method, path, options = {}) {
      const { body, raw, key, headers } = options;
      const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
      const answer = await fetch(url(path), {
        method,
        headers: {
          authorization: `Bearer ${plain.token}`,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
          ...headers,
        },
        ...(payload === undefined ? {} : { body: payload as never }),
      });
      const text = await answer.text();
      let json: unknown = null;
      try {
        json = JSON.parse(text);
      } catch {
        // Not every answer is JSON.
      }
      return { status: answer.status, headers: answer.headers, text, json };
    },
  };
}

export function recorded(changes: Partial<Extract<Answer, { type: 'recorded' }>> = {}): Answer {
  return {
    type: 'recorded',
    code: null,
    position: 100,
    sequence: 5,
    recordedAt: RECORDED_AT,
    expiresAt: 0,
    details: null,
    records: [],
    accounts: [],
    ...changes,
  };
}

export function recordView(changes: Partial<RecordView> = {}): RecordView {
  return {
    position: 100,
    book: BOOK,
    sequence: 5,
    kind: RecordKind.posted,
    recordedAt: RECORDED_AT,
    flags: 0,
    code: 0,
    parent: 0,
    effectiveAt: RECORDED_AT,
    expiresAt: 0,
    legs: [{ leg: 0, debit: 'external/card', credit: 'customer/42', currency: 'EUR', amount: 12500n, released: 0n }],
    details: null,
    key: 'k1',
    reference: null,
    description: null,
    metadata: null,
    fingerprint: '1:2',
    ...changes,
  };
}

export function accountView(changes: Partial<AccountView> = {}): AccountView {
  return {
    number: 1,
    book: BOOK,
    name: 'customer/42',
    currency: 'EUR',
    normalBalance: 'credit',
    open: true,
    debitsPosted: 0n,
    creditsPosted: 12500n,
    debitsPending: 0n,
    creditsPending: 0n,
    minBalance: 0n,
    maxBalance: null,
    version: 1,
    configVersion: 0,
    configPosition: 90,
    openedAt: RECORDED_AT,
    metadata: null,
    sequence: 5,
    ...changes,
  };
}

export const POSTING = {
  legs: [{ debit: 'external/card', credit: 'customer/42', amount: 12500, currency: 'EUR' }],
  open_accounts: true,
};
