/** A merchant's clients, who write down when each posting was sent and answered. */

import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../../crash/support/processes.js';
import { Api } from '../../support/api.js';

export interface Entry {
  readonly key: string;
  readonly id: string;
  readonly amount: number;
  /** ms */
  readonly sentAt: number;
  readonly answeredAt: number;
}

const CLIENTS = 3;
/** Between an answer and the next posting of a client: a bound on how much there is to look up. */
const THINK_MS = 10;
const LOOK_UPS_AT_A_TIME = 8;
const WALLET = 'customer/1';

export class Diary {
  readonly entries: Entry[] = [];
  /** Anything but a success, while the engine was there. */
  readonly refused: unknown[] = [];
  lastToken = '';
  api: Api;
  readonly #name: string;
  #clients: readonly Promise<void>[] = [];
  #finishing = false;

  constructor(url: string, key: string, name: string) {
    this.api = new Api(url, key);
    this.#name = name;
  }

  moveTo(url: string): void {
    this.api = new Api(url, this.api.apiKey);
  }

  start(): void {
    this.#clients = Array.from({ length: CLIENTS }, (_, client) => this.#run(client));
  }

  /** Resolves when so many more postings were answered. */
  posted(more: number): Promise<void> {
    const wanted = this.entries.length + more;
    return until(`${this.#name} has posted ${more} more`, () => this.entries.length >= wanted);
  }

  /** From now on, no answer is no surprise. */
  finish(): void {
    this.#finishing = true;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients);
  }

  /** Those of the ids that the engine has. */
  async found(): Promise<ReadonlySet<string>> {
    const found = new Set<string>();
    const rest = this.entries.map(({ id }) => id);
    const lookUp = async (): Promise<void> => {
      for (let id = rest.pop(); id !== undefined; id = rest.pop()) {
        const { status } = await this.api.get(`/v1/transactions/${id}`);
        if (status === 200) found.add(id);
        else if (status !== 404) throw new Error(`${id} was answered ${status}`);
      }
    };
    await Promise.all(Array.from({ length: LOOK_UPS_AT_A_TIME }, lookUp));
    return found;
  }

  async balance(): Promise<number> {
    const { body } = await this.api.get(`/v1/accounts/${encodeURIComponent(WALLET)}`);
    return body.balances.posted as number;
  }

  /** True if each is answered as the same posting, made before. */
  replays(entries: readonly Entry[]): Promise<boolean> {
    return this.#again(entries, 'true');
  }

  /** True if each is made now: nobody remembers it. */
  postsAnew(entries: readonly Entry[]): Promise<boolean> {
    return this.#again(entries, null);
  }

  async #again(entries: readonly Entry[], replayed: string | null): Promise<boolean> {
    for (const { key, amount, id } of entries) {
      const answer = await this.api.transfer('external/card', WALLET, amount, {}, { key });
      const isSame = replayed === null || answer.body.id === id;
      if (answer.status !== 201 || answer.headers.get('Idempotency-Replayed') !== replayed || !isSame) return false;
    }
    return true;
  }

  async #run(client: number): Promise<void> {
    for (let number = 1; ; number++) {
      const key = `${this.#name}-${client}-${number}`;
      const amount = (number % 97) + 1;
      const sentAt = Date.now();
      try {
        const answer = await this.api.transfer('external/card', WALLET, amount, {}, { key });
        if (answer.status === 201) {
          this.entries.push({ key, id: String(answer.body.id), amount, sentAt, answeredAt: Date.now() });
          this.lastToken = answer.headers.get('Consistency-Token') ?? '';
        } else if (!this.#finishing) this.refused.push(answer.body);
      } catch (error) {
        if (!this.#finishing) this.refused.push(error);
        return;
      }
      await delay(THINK_MS);
    }
  }
}
