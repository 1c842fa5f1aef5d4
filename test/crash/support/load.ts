/**
 * Merchants under load who write down what they were answered, and the proof, after whatever happened to the engine,
 * that all of it is true: what was answered is there once with the same answer under its key, what was not answered is
 * there whole or not at all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';
import { Api } from '../../support/api.js';

/** What a client did at once, and what it heard. */
interface Entry {
  readonly key: string;
  readonly body: { readonly legs: readonly { debit: string; credit: string; amount: number; currency: string }[] };
  /** Undefined: on its way. Null: the connection was lost, or never made. */
  answer: ApiAnswer | null | undefined;
}

const LOOK_MS = 20;
const PATIENCE_MS = 30_000;
/** Between an answer and the next request of a client: a bound on how much there is to prove. */
const THINK_MS = 15;
/** After a refusal: a shard that stands still for seconds must not leave thousands of requests to prove. */
const REFUSED_MS = 100;
const CLIENTS = 8;
const WALLETS = 4;

/** An answer that settles its key for ever. */
const isFinal = (answer: ApiAnswer | null | undefined): answer is ApiAnswer =>
  answer !== null && answer !== undefined && (answer.status === 201 || answer.body.final === true);

/** The body as it was sent, but for the name of the request, which is each request's own. */
const textOf = ({ text }: ApiAnswer): string => text.replace(/"request_id":"[^"]*"/, '');

export class Journal {
  readonly entries: Entry[] = [];
  api: Api;
  readonly #name: string;
  #stopping = false;
  #clients: Promise<void>[] = [];
  #watchers: (() => void)[] = [];

  /** @param name of accounts and keys: what one journal does no other one touches */
  constructor(url: string, key: string, name: string) {
    this.api = new Api(url, key);
    this.#name = name;
  }

  /** The same journal, to be proven by another engine. */
  moveTo(url: string): this {
    this.api = new Api(url, this.api.apiKey);
    return this;
  }

  /** Clients that post as fast as they are answered, until `stop`. */
  start(): this {
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
    return this;
  }

  /** Resolves when every client has its last answer, or has lost it. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
  }

  count(which: (entry: Entry) => boolean): number {
    return this.entries.filter(which).length;
  }

  /** Resolves when so many more requests than now were answered with a success. */
  async posted(more: number): Promise<void> {
    const wanted = this.count(({ answer }) => answer?.status === 201) + more;
    await this.until(() => this.count(({ answer }) => answer?.status === 201) >= wanted);
  }

  /** Resolves when somebody was answered so, from now on. */
  async answered(what: (answer: ApiAnswer) => boolean): Promise<ApiAnswer> {
    const before = new Set(this.entries.filter(({ answer }) => answer !== undefined));
    const found = () =>
      this.entries.find(
        (entry) => !before.has(entry) && entry.answer !== undefined && entry.answer !== null && what(entry.answer),
      );
    await this.until(() => found() !== undefined);
    return found()?.answer as ApiAnswer; // it was found just now
  }

  /** Resolves when every client waits for an answer: nothing comes any more. */
  stuck(): Promise<void> {
    return this.until(() => this.count(({ answer }) => answer === undefined) === CLIENTS);
  }

  async until(condition: () => boolean): Promise<void> {
    const giveUp = performance.now() + PATIENCE_MS;
    while (!condition()) {
      const moved = new Promise<void>((resolve) => this.#watchers.push(resolve));
      await Promise.race([moved, delay(LOOK_MS * 10)]);
      if (performance.now() > giveUp) throw new Error(`the load of ${this.#name} did not come to what was waited for`);
    }
  }

  async #run(client: number): Promise<void> {
    for (let number = 0; !this.#stopping; number++) {
      const entry: Entry = {
        key: `${this.#name}-${client}-${number}`,
        body: this.#next(client, number),
        answer: undefined,
      };
      this.entries.push(entry);
      entry.answer = await this.#post(entry);
      for (const moved of this.#watchers.splice(0)) moved();
      // Down or at its limit: a client that is told so does not hammer.
      await delay(isFinal(entry.answer) ? THINK_MS : REFUSED_MS);
    }
  }

  /** Mostly money in and from one wallet to another; one in eight asks for what nobody has, and is refused for ever. */
  #next(client: number, number: number): Entry['body'] {
    const wallet = (which: number) => `${this.#name}/wallet/${which % WALLETS}`;
    const leg = (debit: string, credit: string, amount: number) => ({ debit, credit, amount, currency: 'EUR' });
    if (number % 8 === 7) return { legs: [leg(`${this.#name}/empty`, wallet(client), 5)] };
    if (number % 2 === 1)
      return { legs: [leg(wallet(client), wallet(client + 1), 1), leg(wallet(client), wallet(client + 2), 1)] };
    return { legs: [leg('external/card', wallet(client), 1_000 + number)] };
  }

  #post(entry: Entry): Promise<ApiAnswer | null> {
    return this.api
      .post('/v1/transactions', { ...entry.body, open_accounts: true }, { key: entry.key })
      .catch(() => null);
  }

  /** @throws (by expectations) at the first thing that is not as it was answered */
  async prove(): Promise<void> {
    await this.stop();
    const queue = [...this.entries];
    const outcomes = new Map<Entry, ApiAnswer>();
    const prover = async (): Promise<void> => {
      for (let entry = queue.pop(); entry !== undefined; entry = queue.pop())
        outcomes.set(entry, await this.#proveOne(entry));
    };
    await Promise.all(Array.from({ length: CLIENTS }, prover));
    const posted = [...outcomes].filter(([, { status }]) => status === 201);
    const ids = new Set(posted.map(([, { body }]) => body.id));
    expect(ids.size, 'every key has a transaction of its own').toBe(posted.length);
    await this.#proveBalances(posted.map(([entry]) => entry));
  }

  async #proveOne(entry: Entry): Promise<ApiAnswer> {
    const again = await this.#settled(entry);
    if (!isFinal(entry.answer)) return again;
    expect(again.status, `${entry.key} was answered ${entry.answer.text} and is now ${again.text}`).toBe(
      entry.answer.status,
    );
    expect(textOf(again), entry.key).toBe(textOf(entry.answer));
    expect(again.headers.get('idempotency-replayed'), entry.key).toBe('true');
    return again;
  }

  async #settled(entry: Entry): Promise<ApiAnswer> {
    const giveUp = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#post(entry);
      const said = answer?.text ?? 'no answer';
      if (isFinal(answer)) return answer;
      if (performance.now() > giveUp) throw new Error(`${entry.key} does not come to an outcome: ${said}`);
      await delay(LOOK_MS);
    }
  }

  /** By the API's word and by the journal's own sums. */
  async #proveBalances(posted: readonly Entry[]): Promise<void> {
    const expected = this.#balances(posted);
    for (const [account, balance] of expected) {
      const { status, body } = await this.api.get(`/v1/accounts/${encodeURIComponent(account)}`);
      expect([account, status, body.balances?.posted], JSON.stringify(body)).toEqual([account, 200, balance]);
    }
    this.proven = expected;
  }

  /** Balances of this journal's wallets, as the last proof found them. */
  proven: ReadonlyMap<string, number> = new Map();

  #balances(posted: readonly Entry[]): Map<string, number> {
    const balances = new Map<string, number>();
    const add = (account: string, amount: number): void => {
      if (account.startsWith(`${this.#name}/`)) balances.set(account, (balances.get(account) ?? 0) + amount);
    };
    for (const { body } of posted) {
      for (const { debit, credit, amount } of body.legs) {
        add(debit, -amount);
        add(credit, amount);
      }
    }
    return balances;
  }
}
