/** A large book, posted through the API by batches, and what must be true of it afterwards. */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { merchantOf } from '../crash/support/merchants.js';
import type { RunningEngine } from '../support/engine.js';

export interface Size {
  readonly accounts: number;
  readonly transactions: number;
}

/** Of every posting, minor units. */
const AMOUNT = 125;
const ACCOUNTS_A_BATCH = 1_000;
const POSTINGS_A_BATCH = 1_000;
/** Requests on their way at a time. */
const LANES = 8;
const OUTSIDE = 'external/card';
const PATIENCE_MS = 60_000;
const REFUSED_MS = 200;

interface Merchant {
  readonly key: string;
  readonly accounts: number;
}

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly text: string;
}

export class Book {
  readonly #url: URL;
  readonly #size: Size;
  readonly #merchants: readonly Merchant[];
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(url: string, size: Size, merchants: readonly Merchant[]) {
    this.#url = new URL(url);
    this.#size = size;
    this.#merchants = merchants;
  }

  /** Two merchants on each of two shards. */
  static async of(engine: RunningEngine, size: Size): Promise<Book> {
    const merchants: Merchant[] = [];
    for (const shard of [0, 1] as const) {
      for (const name of ['north', 'south']) {
        merchants.push({ key: await engine.createKey(merchantOf(shard, name)), accounts: size.accounts / 4 });
      }
    }
    return new Book(engine.url, size, merchants);
  }

  /** @returns postings a second */
  async write(): Promise<number> {
    for (const merchant of this.#merchants) await this.#open(merchant);
    const begun = performance.now();
    const batches = Math.ceil(this.#size.transactions / POSTINGS_A_BATCH);
    await this.#lanes(batches, async (batch) => {
      const body = this.#postings(batch);
      const isDone = ({ text }: Answer): boolean => text.split('"status":201').length - 1 === POSTINGS_A_BATCH;
      await this.#until(isDone, () => this.#post(this.#merchantOf(batch), '/v1/transactions/batch', body));
    });
    return (batches * POSTINGS_A_BATCH * 1000) / (performance.now() - begun);
  }

  async #open({ key, accounts }: Merchant): Promise<void> {
    await this.#lanes(Math.ceil(accounts / ACCOUNTS_A_BATCH), async (batch) => {
      const from = batch * ACCOUNTS_A_BATCH;
      const count = Math.min(ACCOUNTS_A_BATCH, accounts - from);
      const items = Array.from({ length: count }, (_, index) => `{"name":"${nameOf(from + index)}","currency":"EUR"}`);
      if (batch === 0) items.push(`{"name":"${OUTSIDE}","currency":"EUR"}`);
      const body = `{"accounts":[${items.join(',')}]}`;
      const send = (): Promise<Answer> => this.#send('POST', '/v1/accounts/batch', key, body, `accounts-${batch}`);
      await this.#until(({ status }) => status === 201, send);
    });
  }

  /** What an engine at its limit refuses is sent again under the same keys. */
  async #until(isDone: (answer: Answer) => boolean, send: () => Promise<Answer>): Promise<void> {
    const giveUp = performance.now() + PATIENCE_MS;
    for (;;) {
      const answer = await send();
      if (isDone(answer)) return;
      const isRefused = [429, 503].some(
        (status) => answer.status === status || answer.text.includes(`"status":${status}`),
      );
      if (!isRefused || performance.now() > giveUp) throw new Error(`${answer.status} ${answer.text.slice(0, 300)}`);
      await delay(REFUSED_MS);
    }
  }

  #merchantOf(batch: number): Merchant {
    const merchant = this.#merchants[batch % this.#merchants.length];
    if (merchant === undefined) throw new Error('there is no merchant');
    return merchant;
  }

  /** The same at every call: keys and money follow from the number of the batch. */
  #postings(batch: number): string {
    const { accounts } = this.#merchantOf(batch);
    const items: string[] = [];
    for (let index = 0; index < POSTINGS_A_BATCH; index++) {
      const name = nameOf(accountOf(batch, index, accounts));
      items.push(
        `{"idempotency_key":"b${batch}-${index}","legs":[{"debit":"${OUTSIDE}","credit":"${name}","amount":${AMOUNT},"currency":"EUR"}]}`,
      );
    }
    return `{"transactions":[${items.join(',')}]}`;
  }

  /** A batch sent again: all of its items must be what they were, and none is posted a second time. */
  async isRemembered(batch: number): Promise<boolean> {
    const { text } = await this.#post(this.#merchantOf(batch), '/v1/transactions/batch', this.#postings(batch));
    return text.split('"status":201').length - 1 === POSTINGS_A_BATCH;
  }

  /** What the accounts of all merchants were paid, by the account on the other side. */
  async paid(): Promise<number> {
    let sum = 0;
    for (const { key } of this.#merchants) {
      const { text } = await this.#send('GET', `/v1/accounts/${encodeURIComponent(OUTSIDE)}`, key);
      const { balances } = JSON.parse(text) as { readonly balances: { readonly posted: number | string } };
      sum -= Number(balances.posted);
    }
    return sum;
  }

  get expected(): number {
    return this.batches * POSTINGS_A_BATCH * AMOUNT;
  }

  get batches(): number {
    return Math.ceil(this.#size.transactions / POSTINGS_A_BATCH);
  }

  /**
   * Posts until it is stopped; refusals are nothing to it, but it rests after them, as clients do: without that it
   * knocks thousands of times a second at an engine that is starting, and keeps a processor from it.
   *
   * @returns stops it
   */
  keepPosting(): () => Promise<void> {
    let stopped = false;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let number = 0; !stopped; number++) {
        const merchant = this.#merchantOf(lane);
        const body = `{"legs":[{"debit":"${nameOf(number)}","credit":"${nameOf(number + 1)}","amount":1,"currency":"EUR"}]}`;
        const sent = this.#send('POST', '/v1/transactions', merchant.key, body, `more-${lane}-${number}`);
        const status = await sent.then((answer) => answer.status).catch(() => 503);
        if (status === 429 || status === 503) await delay(REFUSED_MS);
      }
    });
    return async () => {
      stopped = true;
      await Promise.all(lanes);
    };
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(merchant: Merchant, path: string, body: string): Promise<Answer> {
    return this.#send('POST', path, merchant.key, body);
  }

  async #lanes(count: number, work: (number: number) => Promise<void>): Promise<void> {
    let next = 0;
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        while (next < count) await work(next++);
      }),
    );
  }

  #send(method: string, path: string, apiKey: string, body = '', idempotencyKey = ''): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#url;
      const headers: Record<string, string | number> = { Authorization: `Bearer ${apiKey}` };
      if (body !== '') {
        headers['Content-Type'] = 'application/json';
        headers['Content-Length'] = Buffer.byteLength(body);
      }
      if (idempotencyKey !== '') headers['Idempotency-Key'] = idempotencyKey;
      const sent = request({ hostname, port, path, method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const replayed = response.headers['idempotency-replayed'] === 'true';
          resolve({ status: response.statusCode ?? 0, replayed, text: Buffer.concat(chunks).toString('latin1') });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

const nameOf = (number: number): string => `customer/${String(number).padStart(7, '0')}/wallet`;

/** Steps that share no factor with common numbers of accounts: neighbours in time are no neighbours in memory. */
const accountOf = (batch: number, index: number, accounts: number): number =>
  (batch * 104_729 + index * 7_919) % accounts;
