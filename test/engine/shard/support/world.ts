/** One shard, one front, and a merchant who asks. */
import { FrontLink } from '../../../../src/engine/shard/front-link.js';
import { Shard } from '../../../../src/engine/shard/shard.js';
import type { ShardBounds, ShardState } from '../../../../src/engine/shard/status.js';
import { decodeAnswer } from '../../../../src/engine/wire/answer.js';
import { encodeCold } from '../../../../src/engine/wire/cold.js';
import type { NumberedHead } from '../../../../src/engine/wire/head.js';
import { requestIdOf } from '../../../../src/engine/wire/head.js';
import type { Answer, ColdRequest, PostRequest, ReadAccountRequest } from '../../../../src/engine/wire/messages.js';
import { encodePost, postSizeMax } from '../../../../src/engine/wire/post.js';
import { encodeReadAccount, readAccountSize } from '../../../../src/engine/wire/read-account.js';
import { KeyedHash } from '../../../../src/ledger/hash.js';
import { Breaker } from '../../../../src/platform/breaker.js';
import { ShardClock } from '../../../../src/platform/time.js';
import { FakeStore } from './fake-store.js';

const BOOK = 1;
const DAY = 86_400_000_000;

export class World {
  readonly store = new FakeStore();
  readonly breaker = new Breaker();
  /** How far the wall clock is off, µs. */
  clockOff = 0;
  readonly states: ShardState[] = [];
  /** Of the last state. */
  error: Error | null = null;
  readonly answers = new Map<number, Answer>();
  readonly shard: Shard;
  readonly #link: FrontLink;
  readonly #hash = new KeyedHash(this.store.hashKey);
  #last = 0;
  #moved: (() => void)[] = [];

  constructor(bounds: Partial<ShardBounds> = {}) {
    this.#link = new FrontLink(0, {
      send: (bytes, offset, length) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        this.answers.set(requestIdOf(view, offset), decodeAnswer(bytes, view, offset, length));
        return true;
      },
      flush: () => {
        for (const moved of this.#moved.splice(0)) moved();
      },
    });
    this.shard = new Shard({
      name: 'shard-0',
      store: this.store,
      clock: new ShardClock({
        monotonic: () => performance.now() * 1000,
        wall: () => (performance.timeOrigin + performance.now()) * 1000 + this.clockOff,
      }),
      bounds: {
        batchRecordsMax: 100,
        batchBytesMax: 1 << 20,
        parkedMax: 10,
        residentKeysMax: 1 << 20,
        foldLagMax: 1 << 20,
        ...bounds,
      },
      settings: {
        customCurrencies: [],
        keyWindow: 7 * DAY,
        keysMax: 10_000,
        keysGuaranteed: 1_000,
        accountsMax: 1_000,
        openHoldsMax: 10_000,
        holdDefault: 7 * DAY,
        backdatingMax: null,
      },
      takeOver: false,
      merchants: new Map([[BOOK, { merchant: 'acme', environment: 'test' }]]),
      onState: (state, error) => {
        this.states.push(state);
        this.error = error;
        for (const moved of this.#moved.splice(0)) moved();
      },
      onBusy: () => undefined,
      breaker: this.breaker,
      onCommitted: () => undefined,
      onError: () => undefined,
    });
  }

  /** Started, its first batch committed; from now on the test says what becomes of commits. */
  static async started(bounds: Partial<ShardBounds> = {}): Promise<World> {
    const world = new World(bounds);
    await world.shard.start();
    await world.answer(world.post('first', 'wallet', 100));
    world.store.easy = false;
    return world;
  }

  /**
   * Money from outside into an account.
   * @param expiresIn holds it for so many µs, 0 for the default
   * @returns the request's number
   */
  post(
    key: string | null,
    credit: string,
    amount: number,
    debit = 'external/card',
    expiresIn: number | null = null,
  ): number {
    const legs = [{ debit, credit, amount, currency: 978, currencyCode: 'EUR' }];
    const request: PostRequest = {
      legs,
      pending: expiresIn !== null,
      expiresIn: expiresIn ?? 0,
      effectiveAt: 0,
      openAccounts: true,
      dryRun: key === null,
      reference: null,
      description: null,
      metadata: null,
      extras: null,
    };
    const bytes = new Uint8Array(postSizeMax(request) + 600);
    const view = new DataView(bytes.buffer);
    const requestId = ++this.#last;
    const head = { shard: 0, book: BOOK, key, route: 'POST /v1/transactions', requestId };
    const length = encodePost(head, request, this.#hash, { bytes, view }, 0);
    this.shard.submit(this.#link, bytes, view, 0, length);
    this.shard.turnEnded();
    return requestId;
  }

  ask(request: ColdRequest, key: string | null = null): number {
    const requestId = ++this.#last;
    const route = 'type' in request ? request.type : '';
    const head = { shard: 0, book: BOOK, key, route, requestId };
    const bytes = request.type === 'read_account' ? readAccount(head, request) : encodeCold(head, request, this.#hash);
    this.shard.submit(this.#link, bytes, new DataView(bytes.buffer, bytes.byteOffset), 0, bytes.length);
    this.shard.turnEnded();
    return requestId;
  }

  balance(account = 'wallet'): number {
    return this.ask({ type: 'read_account', account });
  }

  /** @param key null: a dry run */
  reverse(parent: number, key: string | null, type: 'reverse' | 'capture' = 'reverse'): number {
    const none = { reference: null, description: null, metadata: null, dryRun: key === null };
    return this.ask({ type, parent, amount: 0n, legs: [], final: false, force: false, ...none }, key);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#moved.push(resolve));
    // Commands come from rings, in turns of their own.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async answer(requestId: number): Promise<Answer> {
    await this.until(() => this.answers.has(requestId));
    return this.answers.get(requestId) as Answer; // it is there by now
  }

  /** All that could happen without the test has happened. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}

function readAccount(head: NumberedHead, { account }: ReadAccountRequest): Uint8Array {
  const bytes = new Uint8Array(readAccountSize(account));
  encodeReadAccount(head, account, { bytes, view: new DataView(bytes.buffer) }, 0);
  return bytes;
}
