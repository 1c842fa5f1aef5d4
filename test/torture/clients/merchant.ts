/**
 * A merchant's clients: money goes round closed circles of accounts, is held and captured, statements grow and are read,
 * and some ask for what nobody has. Each waits for its answer; what fails is often asked again under the same key.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Append } from '../history/operation.js';
import type { Random } from '../random.js';
import type { Answer, Request } from './http.js';
import { accountPath, ask, isFinal } from './http.js';
import type { Effect, Entry } from './journal.js';
import { Journal } from './journal.js';

export const CIRCLES = 2;
export const CIRCLE_ACCOUNTS = 5;
/** Minor units in each account of a circle at first. */
export const FUNDS = 100_000;
const LISTS = 3;
/** Then new lists are begun: a statement stays short enough to be read at once. */
const APPENDS_A_GENERATION = 150;
const CLIENTS = 5;
const THINK_MS_MAX = 8;
const RETRY_MS_MAX = 150;
const RETRIES_MAX = 4;

interface Leg {
  readonly debit: string;
  readonly credit: string;
  readonly amount: number;
  readonly currency: 'EUR';
}

export const circleAccount = (circle: number, place: number): string =>
  `circle/${circle % CIRCLES}/${place % CIRCLE_ACCOUNTS}`;
const leg = (debit: string, credit: string, amount: number): Leg => ({ debit, credit, amount, currency: 'EUR' });
const effectsOf = (legs: readonly Leg[]): Effect[] =>
  legs.flatMap(({ debit, credit, amount }): Effect[] => [
    [debit, -amount],
    [credit, amount],
  ]);

/** What a client has from its last answer. */
interface Held {
  readonly token: string;
  readonly operation: number;
}

export class Merchant {
  readonly journal = new Journal();
  /** Requests in the order in which they ended: when, how long, with what status (0: none). */
  readonly latencies: {
    readonly at: number;
    readonly tookMs: number;
    readonly status: number;
    readonly retryAfter: string | null;
  }[] = [];
  /** As it was last looked up; see {@link Entry.epoch}. */
  epoch = 0;
  #appends = 0;
  #numbers = 0;
  #stopping = false;
  /** What a client heard that nobody should hear. */
  wrong: Error | null = null;
  #clients: Promise<void>[] = [];

  /** @param name begins all of its keys */
  constructor(
    public url: string,
    readonly apiKey: string,
    readonly shard: number,
    readonly name: string,
    readonly random: Random,
  ) {}

  /** Puts the money into the circles. */
  async fund(): Promise<void> {
    for (let circle = 0; circle < CIRCLES; circle++) {
      const legs = Array.from({ length: CIRCLE_ACCOUNTS }, (_, place) =>
        leg('external/mint', circleAccount(circle, place), FUNDS),
      );
      const entry = this.#begin('/v1/transactions', { legs, open_accounts: true }, effectsOf(legs));
      while (!isFinal(await this.#send(entry))) await delay(RETRY_MS_MAX);
    }
  }

  start(): void {
    this.#stopping = false;
    this.#clients = Array.from({ length: CLIENTS }, () =>
      this.#run(this.random.fork()).catch((error: unknown) => {
        this.wrong ??= error as Error;
        this.#stopping = true;
      }),
    );
  }

  /** Resolves when every client has its last answer, or has lost it. */
  async stop(): Promise<void> {
    this.leave();
    await Promise.all(this.#clients);
  }

  /** Nothing new is asked. */
  leave(): void {
    this.#stopping = true;
  }

  /** Asks until the key is settled. @throws Error after `patienceMs` */
  async settle(entry: Entry, patienceMs: number): Promise<void> {
    const giveUp = performance.now() + patienceMs;
    while (!isFinal(await this.#send(entry))) {
      if (performance.now() > giveUp) throw new Error(`${entry.request.key} does not come to an outcome`);
      await delay(20);
    }
  }

  /** Sends a request again, outside of the journal. */
  again(request: Request): Promise<Answer | null> {
    return ask(this.url, this.apiKey, request);
  }

  /** Reads the present statement into the history. @returns false where it could not be read */
  async readNow(account: string): Promise<boolean> {
    const invokedAt = performance.now();
    // The worker that owns the shard says what the present is; the statement must not be older.
    const head = await ask(this.url, this.apiKey, { method: 'GET', path: accountPath(account) });
    if (head?.token === null || head === null || head.status >= 500) return false;
    const elements = await this.#statement(account, head.token);
    if (elements === null) return false;
    this.journal.read(invokedAt, { account, elements }, true, null);
    return true;
  }

  async #run(random: Random): Promise<void> {
    let held: Held | null = null;
    while (!this.#stopping) {
      held = (await this.#step(random, held)) ?? held;
      await delay(random.between(1, THINK_MS_MAX));
    }
  }

  async #step(random: Random, held: Held | null): Promise<Held | null> {
    const circle = random.between(0, CIRCLES - 1);
    const place = random.between(0, CIRCLE_ACCOUNTS - 1);
    const dice = random.next();
    if (dice < 0.4) return this.#move(random, circle, place);
    if (dice < 0.5) return this.#hold(random, circle, place);
    if (dice < 0.57) return this.#post(random, [leg(`nobody/${place}`, circleAccount(circle, place), 5)]);
    if (dice < 0.77) return this.#append(random);
    if (dice < 0.82) return this.#appendAtOnce(random);
    const account = this.#list(random);
    if (held === null || dice < 0.92) await this.readNow(account);
    else await this.#readAfter(account, held);
    return null;
  }

  /** From one to the next, or all the way round at once, which changes nothing. */
  #move(random: Random, circle: number, place: number): Promise<Held | null> {
    const step = (from: number) =>
      leg(circleAccount(circle, from), circleAccount(circle, from + 1), random.between(1, 500));
    if (random.chance(0.8)) return this.#post(random, [step(place)]);
    const amount = random.between(1, 50);
    return this.#post(
      random,
      Array.from({ length: CIRCLE_ACCOUNTS }, (_, from) => ({ ...step(from), amount })),
    );
  }

  /** Holds some of it; then a part is captured and the rest let go, or all is. */
  async #hold(random: Random, circle: number, place: number): Promise<Held | null> {
    const from = circleAccount(circle, place);
    const to = circleAccount(circle, place + 1);
    const hold = this.#begin('/v1/transactions', { legs: [leg(from, to, 10)], pending: true }, []);
    const answer = await this.#insist(hold, random);
    const id = answer?.status === 201 ? answer.body.id : undefined;
    if (id === undefined) return null;
    const action = random.chance(0.6)
      ? this.#begin(`/v1/transactions/${id}/capture`, { amount: 6, final: true }, [
          [from, -6],
          [to, 6],
        ])
      : this.#begin(`/v1/transactions/${id}/void`, {}, []);
    return this.#heldOf(action, await this.#insist(action, random));
  }

  #append(random: Random): Promise<Held | null> {
    const accounts = random.shuffled([0, 1, 2].slice(0, LISTS)).slice(0, random.between(1, 2));
    return this.#post(
      random,
      accounts.map((which) => leg('external/pen', this.#listName(which), 1)),
    );
  }

  /** Three postings in one unit, all on one list. */
  async #appendAtOnce(random: Random): Promise<Held | null> {
    const account = this.#list(random);
    const number = this.#numbers++;
    const transactions = [0, 1, 2].map((part) => ({
      legs: [leg('external/pen', account, 1)],
      open_accounts: true,
      reference: `${this.name}-${number}-${part}`,
    }));
    this.#appends += transactions.length;
    const entry = this.#begin(
      '/v1/transactions/batch',
      { atomic: true, transactions },
      transactions.flatMap(({ legs }) => effectsOf(legs)),
      transactions.map(({ reference }) => ({ account, element: reference })),
      `${this.name}-${number}`,
    );
    return this.#heldOf(entry, await this.#insist(entry, random));
  }

  async #post(random: Random, legs: readonly Leg[]): Promise<Held | null> {
    const number = this.#numbers++;
    const reference = `${this.name}-${number}`;
    const appends = legs.map(({ credit }) => credit).filter((account) => account.startsWith('list/'));
    this.#appends += appends.length;
    const entry = this.#begin(
      '/v1/transactions',
      { legs, open_accounts: true, reference },
      effectsOf(legs),
      appends.map((account) => ({ account, element: reference })),
      reference,
    );
    return this.#heldOf(entry, await this.#insist(entry, random));
  }

  #begin(
    path: string,
    body: object,
    effects: readonly Effect[],
    appends: readonly Append[] = [],
    key = `${this.name}-${this.#numbers++}`,
  ): Entry {
    return this.journal.begin({ method: 'POST', path, body, key }, effects, appends, this.epoch);
  }

  /** Most clients ask again for a while, some leave it at that. */
  async #insist(entry: Entry, random: Random): Promise<Answer | null> {
    let answer = await this.#send(entry);
    for (let retry = 0; retry < RETRIES_MAX && !isFinal(answer); retry++) {
      await delay(random.between(10, RETRY_MS_MAX));
      if (this.#stopping || random.chance(0.25)) break;
      answer = await this.#send(entry);
    }
    return answer;
  }

  async #send(entry: Entry): Promise<Answer | null> {
    const began = performance.now();
    const answer = await ask(this.url, this.apiKey, entry.request);
    const at = performance.now();
    this.latencies.push({
      at,
      tookMs: at - began,
      status: answer?.status ?? 0,
      retryAfter: answer?.retryAfter ?? null,
    });
    this.journal.note(entry, answer);
    return answer;
  }

  #heldOf({ operation }: Entry, answer: Answer | null): Held | null {
    return answer?.status === 201 && answer.token !== null ? { token: answer.token, operation } : null;
  }

  #list(random: Random): string {
    return this.#listName(random.between(0, LISTS - 1));
  }
  /** Whether a list may have grown lately. */
  isCurrent(list: string): boolean {
    const generation = Math.floor(this.#appends / APPENDS_A_GENERATION);
    return Number(list.split('/')[1]) >= generation - 1;
  }

  #listName(which: number): string {
    return `list/${Math.floor(this.#appends / APPENDS_A_GENERATION)}/${which}`;
  }

  async #readAfter(account: string, { token, operation }: Held): Promise<void> {
    const invokedAt = performance.now();
    const elements = await this.#statement(account, token);
    if (elements !== null) this.journal.read(invokedAt, { account, elements }, false, operation);
  }

  /** @returns the references of the postings, in order; null where it could not be read */
  async #statement(account: string, token: string): Promise<string[] | null> {
    const elements: string[] = [];
    for (let cursor = ''; ; ) {
      const path = `${accountPath(account)}/entries?limit=1000${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const answer = await ask(this.url, this.apiKey, { method: 'GET', path, token });
      // An account that nobody has opened yet has an empty statement.
      if (answer?.status === 404) return elements;
      if (answer?.status === 503 || answer === null) return null;
      if (answer.status !== 200) throw new Error(`a statement was answered ${answer.status}: ${answer.text}`);
      elements.push(...(answer.body.data ?? []).map(({ reference = '' }) => reference));
      if (typeof answer.body.next_cursor !== 'string') return elements;
      cursor = encodeURIComponent(answer.body.next_cursor);
    }
  }
}
