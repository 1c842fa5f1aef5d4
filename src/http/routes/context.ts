/** What routes work with: the engine, readers, codecs, tables. One a front. */
import type { EngineClient } from '../../engine/wire/messages.js';
import type { ShardReader } from '../../folds/read/shard-reader.js';
import type { CurrencyTable } from '../../ledger/currency.js';
import { IdCodec, type Restore } from '../../platform/ids/id-codec.js';
import { Sealer } from '../../platform/ids/sealed.js';
import type { FrontCounters } from '../metrics/counters.js';
import type { Metrics } from '../metrics/metrics.js';
import type { ParseContext } from '../parse/context.js';
import type { Principal } from '../types.js';
import { RequestIds } from './request-ids.js';
import { SuccessHead } from './success-head.js';

/** The reads that routes ask of a shard. */
export type Reader = Pick<
  ShardReader,
  | 'record'
  | 'records'
  | 'unit'
  | 'transaction'
  | 'transactions'
  | 'entries'
  | 'accountAt'
  | 'accountAsOf'
  | 'accounts'
  | 'metadata'
  | 'waitFor'
>;

/** A shard as a front knows it; the same object as long as nothing of it changes. */
export interface FrontShard {
  readonly logId: number;
  readonly incarnation: number;
  /** Missing: it was never restored. */
  readonly restores?: readonly Restore[];
  /** 16 secret bytes: ids and tokens are made with them. */
  readonly hashKey: Uint8Array;
  readonly reader: Reader;
}

/** A shard as GET /readyz shows it; further facts are shown as they are. */
interface ShardReadiness {
  readonly name: string;
  readonly ready: boolean;
  readonly [fact: string]: unknown;
}
export interface Readiness {
  readonly ready: boolean;
  readonly shards: readonly ShardReadiness[];
}

export interface Codecs {
  readonly ids: IdCodec;
  readonly sealer: Sealer;
}

export interface ContextOptions {
  readonly engine: EngineClient;
  /** By index in the configuration; null while the shard has not said who it is. */
  readonly shard: (index: number) => FrontShard | null;
  readonly currencies: CurrencyTable;
  readonly version: string;
  readonly readiness: () => Readiness;
  readonly counters: FrontCounters;
  readonly metrics: Metrics;
  /** A fault of ours, for the log. */
  readonly onError: (error: unknown, doing: string) => void;
}

export class RouteContext {
  readonly engine: EngineClient;
  readonly shard: (index: number) => FrontShard | null;
  readonly version: string;
  readonly readiness: () => Readiness;
  readonly counters: FrontCounters;
  readonly metrics: Metrics;
  readonly onError: (error: unknown, doing: string) => void;
  readonly parse: ParseContext;
  readonly currencyCode: (number: number) => string;
  readonly requestIds = new RequestIds();
  readonly #codecs = new WeakMap<FrontShard, Codecs>();
  /** Those given last, since most fronts serve one shard or few. */
  #lastShard: FrontShard | null = null;
  #lastCodecs: Codecs | null = null;
  /** By status. */
  readonly #successHeads: (SuccessHead | undefined)[] = [];
  /** By book, the highest committed sequence that this front has answered with: good for a token where nothing newer is known. */
  readonly #seen = new Map<number, number>();

  constructor(options: ContextOptions) {
    const { currencies } = options;
    this.engine = options.engine;
    this.shard = options.shard;
    this.version = options.version;
    this.readiness = options.readiness;
    this.counters = options.counters;
    this.metrics = options.metrics;
    this.onError = options.onError;
    this.parse = { currency: (code) => currencies.byCode(code)?.number };
    this.currencyCode = (number) => currencies.byNumber(number)?.code ?? String(number);
  }

  codecs(shard: FrontShard): Codecs {
    if (shard === this.#lastShard && this.#lastCodecs !== null) return this.#lastCodecs;
    let codecs = this.#codecs.get(shard);
    if (codecs === undefined) {
      codecs = { ids: new IdCodec(shard.hashKey, shard.restores), sealer: new Sealer(shard.hashKey) };
      this.#codecs.set(shard, codecs);
    }
    this.#lastShard = shard;
    this.#lastCodecs = codecs;
    return codecs;
  }

  /** The head of successes with this status, in JSON. */
  successHead(status: number): SuccessHead {
    const head = this.#successHeads[status] ?? new SuccessHead(status, this.requestIds);
    this.#successHeads[status] = head;
    return head;
  }

  /** A Consistency-Token of all that this front has answered the merchant with, this sequence included. */
  token(shard: FrontShard, principal: Principal, sequence: number): string {
    const { sealer } = this.codecs(shard);
    return sealer.sealToken(shard.incarnation, this.see(principal, sequence), principal.book);
  }

  /** Notes that the book's committed sequence is at least this. @returns the highest noted */
  see(principal: Principal, sequence: number): number {
    const before = this.#seen.get(principal.book) ?? 0;
    if (sequence <= before) return before;
    this.#seen.set(principal.book, sequence);
    return sequence;
  }
}
