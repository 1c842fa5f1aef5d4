/** A front with one stream and a scripted engine, without a server: all that can be seen of it is kept. */
import { Packr } from 'msgpackr';
import type { Answer, OnAnswer } from '../../../src/engine/wire/messages.js';
import { AdmissionControl } from '../../../src/http/front/admission.js';
import { FrontHandler } from '../../../src/http/front/handler.js';
import { type FrontShard, KeyTable } from '../../../src/http/front.js';
import { FrontCounters, newFrontCounters } from '../../../src/http/metrics/counters.js';
import { Metrics } from '../../../src/http/metrics/metrics.js';
import { RouteContext } from '../../../src/http/routes/context.js';
import type { Opened, RequestHandler } from '../../../src/http/server/exchange.js';
import type { StreamSocket } from '../../../src/http/stream/protocol.js';
import { StreamSession } from '../../../src/http/stream/session.js';
import { CurrencyTable } from '../../../src/ledger/currency.js';
import { errorByCode } from '../../../src/ledger/errors.js';
import { RecordKind } from '../../../src/ledger/record.js';
import { createApiKey } from '../../../src/platform/api-key.js';
import { BOOK, emptyReader, FakeEngine, HASH_KEY, LOG_ID, RECORDED_AT, recorded, recordView } from '../support/fake.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });
const apiKey = createApiKey('test');
const row = { merchant: 'm1', environment: 'test', book: BOOK, shard: 0, scopes: [] } as const;
const REFUSAL = errorByCode('insufficient_funds').number;
export const leg = { debit: 'external/card', credit: 'a', amount: 5, currency: 'EUR' };

/** What the engine does with a posting: at its door, or as its answer. */
export const FATES = ['posted', 'refused', 'replayed', 'replayed refusal', 'reused', 'away', 'full', 'broken'] as const;
export type Fate = (typeof FATES)[number];

export interface Sent {
  readonly key: string;
  /** Over what is usual. */
  readonly odd: object;
  readonly fate: Fate;
}
export type Step =
  | { readonly do: 'send'; readonly requests: readonly Sent[]; readonly numbersGrow: boolean }
  /** So many answers of those that are waited for, from a place in their list. */
  | { readonly do: 'answer'; readonly count: number; readonly from: number }
  | { readonly do: 'revoke' | 'distrust keys' | 'lose the shard' | 'find the shard' | 'drain' | 'close' };

/** Only what everybody can do without. */
function general<T extends Opened>(handler: RequestHandler<T>): RequestHandler<T> {
  return {
    open: (exchange) => handler.open(exchange),
    run: (exchange, target) => handler.run(exchange, target),
    refuse: (exchange, problem, target) => handler.refuse(exchange, problem, target),
    creditsPerAnswer: (target) => handler.creditsPerAnswer?.(target) ?? 2,
  };
}

interface Waiting {
  readonly key: string;
  readonly fate: Fate;
  readonly answer: OnAnswer;
}

/** A front with one stream. */
export class Side {
  readonly engine = new FakeEngine();
  readonly counters = new FrontCounters(newFrontCounters(1), 0);
  readonly keys = new KeyTable([{ ...row, id: apiKey.id, hash: apiKey.hash, revoked: false }]);
  readonly admission = new AdmissionControl({ queueMs: 250, shareMs: 10, commitMs: () => 0 });
  /** All that came in and went out, and what was counted. */
  readonly sent: string[] = [];
  readonly admitted: unknown[] = [];
  readonly errors: unknown[] = [];
  readonly handler: FrontHandler;
  readonly session: StreamSession<Opened>;
  ended: unknown = null;
  /** Frames that were done at one go. */
  plain = 0;
  #isShardThere = true;
  /** Of the postings of a frame, in their order; and of those of them that the engine took. */
  #fates: Fate[] = [];
  readonly #taken: Fate[] = [];
  readonly #waiting: Waiting[] = [];
  #sequence = 0;
  #number = 0;
  readonly #keyAt = new Map<number, string>();

  constructor(isPlain: boolean, inFlightMax: number) {
    const { engine, keys, counters, admission } = this;
    const reader = { ...emptyReader(), unit: async (_book: number, position: number) => [this.#replayed(position)] };
    const shard: FrontShard = { logId: LOG_ID, incarnation: 1, hashKey: HASH_KEY, reader };
    const context = new RouteContext({
      engine,
      shard: () => (this.#isShardThere ? shard : null),
      currencies: new CurrencyTable(),
      version: '1',
      readiness: () => ({ ready: true, shards: [] }),
      counters,
      metrics: new Metrics(counters, () => []),
      onError: (error, doing) => this.errors.push([String(error), doing]),
    });
    engine.onPost = () => this.#door();
    for (const name of ['enter', 'leave'] as const) {
      const original = admission[name].bind(admission) as (...given: unknown[]) => void;
      admission[name] = (...given: unknown[]): void => {
        this.admitted.push([name, ...given.map((one) => (typeof one === 'object' ? 'principal' : one))]);
        original(...given);
      };
    }
    this.handler = new FrontHandler({ context, keys, admission, inFlightMax });
    const whole: RequestHandler<Opened> = this.handler as RequestHandler<Opened>;
    const runFrame: RequestHandler<Opened>['runFrame'] = (frame, sender) => {
      const taken = whole.runFrame?.(frame, sender) ?? false;
      if (taken) this.plain++;
      return taken;
    };
    const handler = isPlain ? { ...general(whole), runFrame } : general(whole);
    const prefix = context.requestIds.prefix;
    const socket: StreamSocket = {
      send: (frame) => this.sent.push(Buffer.from(frame).toString('latin1').replaceAll(prefix, 'req_')),
      unreadBytes: 0,
      end: (...how) => {
        this.ended = how;
      },
    };
    this.session = new StreamSession(socket, handler, `Bearer ${apiKey.token}`);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  step(step: Step): void {
    switch (step.do) {
      case 'send':
        this.#send(step.requests, step.numbersGrow);
        return;
      case 'answer':
        for (const { key, fate, answer } of this.#waiting.splice(step.from % (this.waiting + 1), step.count))
          answer(this.#answerOf(key, fate));
        return;
      case 'revoke':
        this.keys.update([{ ...row, id: apiKey.id, hash: apiKey.hash, revoked: true }]);
        return;
      case 'distrust keys':
        this.keys.setAvailable(false);
        return;
      case 'drain':
        void this.handler.drain();
        return;
      case 'close':
        this.session.onClose();
        return;
      default:
        this.#isShardThere = step.do === 'find the shard';
    }
  }

  answerAll(): void {
    this.step({ do: 'answer', count: this.waiting, from: 0 });
  }

  close(): void {
    this.admission.close();
  }

  #send(requests: readonly Sent[], numbersGrow: boolean): void {
    this.#fates = requests.map(({ fate }) => fate);
    const frame = requests.map(({ key, odd }) => ({ n: ++this.#number, key, body: { legs: [leg] }, ...odd }));
    const last = frame.at(-1);
    if (!numbersGrow && last !== undefined) last.n = 1;
    this.session.onFrame(packr.pack(frame));
    const { held, posts } = this.engine;
    const came = held.splice(0);
    came.forEach((answer, index) => {
      const key = posts[posts.length - came.length + index]?.head.key ?? '';
      this.#waiting.push({ key, fate: this.#taken.shift() ?? 'posted', answer });
    });
  }

  #door(): { refuse: 'overloaded' } | null {
    const fate = this.#fates.shift() ?? 'posted';
    if (fate === 'full') return { refuse: 'overloaded' };
    if (fate === 'broken') throw new Error('the engine is broken');
    this.#taken.push(fate);
    return null;
  }

  #answerOf(key: string, fate: Fate): Answer {
    const sequence = ++this.#sequence;
    const position = 100 + sequence;
    this.#keyAt.set(position, fate === 'reused' ? 'another' : key);
    switch (fate) {
      case 'refused':
        return recorded({ code: 'insufficient_funds', sequence, position, details: '{"available":0}' });
      case 'replayed':
      case 'reused':
        return { type: 'replay', position, fingerprint: '1:2' };
      case 'replayed refusal':
        this.#keyAt.set(position, `!${key}`);
        return { type: 'replay', position, fingerprint: '1:2' };
      case 'away':
        return { type: 'unavailable', code: 'outcome_unknown', retryAfterSeconds: 3 };
      default:
        return recorded({ sequence, position, recordedAt: RECORDED_AT + sequence });
    }
  }

  #replayed(position: number) {
    const key = this.#keyAt.get(position) ?? '';
    const known = { position, sequence: position - 100, key };
    if (!key.startsWith('!')) return recordView(known);
    return recordView({ ...known, key: key.slice(1), kind: RecordKind.refused, code: REFUSAL, legs: [] });
  }
}
