/** Sends batches to a running engine until every item has its outcome, through restarts and refusals for lack of room. */
import { setTimeout as delay } from 'node:timers/promises';
import { fetchFailure, MillraceError } from '../../platform/errors.js';
import type { Pending } from './lanes.js';

export type ItemOutcome =
  /** By this run. */
  | { readonly type: 'posted'; readonly id: string }
  /** It was there before this run began. */
  | { readonly type: 'replayed'; readonly id: string }
  | { readonly type: 'rejected'; readonly reason: string };

/** The import cannot go on; running it again goes on where it stopped. */
export class ImportStoppedError extends MillraceError {
  readonly code = 'MR_IMPORT_STOPPED';
}

export interface SenderOptions<P extends Pending> {
  /** Of the engine, such as http://127.0.0.1:8080. */
  readonly url: string;
  readonly key: string;
  /** How long the engine may give no outcome at all, ms. */
  readonly retryForMs: number;
  readonly onOutcome: (pending: P, outcome: ItemOutcome) => void;
  /** Called when the engine stops answering (with why) and when it is back (null). */
  readonly onTrouble: (trouble: string | null) => void;
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly retryable?: boolean;
}
interface Answered {
  readonly status: number;
  readonly transaction?: { readonly id: string; readonly created_at: string };
  readonly error?: Problem;
}

const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 3000;
const REQUEST_MS_MAX = 60_000;
const CLOCKS_APART_MS_MAX = 2000;

export class Sender<P extends Pending> {
  readonly #options: SenderOptions<P>;
  /** What was recorded before this moment of the engine's clock was not posted by this run. */
  #startedAtMs = Date.now();
  #lastOutcomeMs = Date.now();
  #trouble = false;

  constructor(options: SenderOptions<P>) {
    this.#options = options;
  }

  /** Waits for the engine, and compares its clock with this machine's. */
  async open(): Promise<void> {
    await this.#retrying(async () => {
      const response = await fetch(`${this.#options.url}/healthz`, { signal: AbortSignal.timeout(REQUEST_MS_MAX) });
      await response.arrayBuffer();
      const theirs = Date.parse(response.headers.get('date') ?? '');
      const ours = Date.now();
      this.#startedAtMs = Math.abs(theirs - ours) > CLOCKS_APART_MS_MAX ? theirs : ours;
      return { done: true };
    });
  }

  /**
   * Resolves when every item has its outcome.
   * @throws ImportStoppedError where the key is refused or the engine stays away
   */
  async send(batch: readonly P[]): Promise<void> {
    let rest = batch;
    await this.#retrying(async () => {
      const { status, body, retryAfterMs } = await this.#post(rest);
      if (status === 200) {
        rest = this.#takeOutcomes(rest, body.data ?? []);
        return rest.length === 0 ? { done: true } : { done: false, why: 'the engine is at its limit', retryAfterMs };
      }
      const why = `${status} ${body.code ?? ''}: ${body.detail ?? body.title ?? ''}`;
      if (status >= 500 || status === 408 || status === 429) return { done: false, why, retryAfterMs };
      if (status === 401 || status === 403 || status === 404)
        throw new ImportStoppedError(`the engine refuses: ${why}`);
      await this.#sendParts(rest, why);
      return { done: true };
    });
  }

  /** Something in the batch makes the engine refuse all of it: halves of it find out what. */
  async #sendParts(batch: readonly P[], why: string): Promise<void> {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      this.#outcome(only, { type: 'rejected', reason: why });
      return;
    }
    const middle = batch.length >> 1;
    await this.send(batch.slice(0, middle));
    await this.send(batch.slice(middle));
  }

  async #post(batch: readonly P[]) {
    const response = await fetch(`${this.#options.url}/v1/transactions/batch`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#options.key}`,
        'content-type': 'application/json',
        accept: 'application/json',
      },
      body: `{"transactions":[${batch.map(({ item }) => item.json).join(',')}]}`,
      signal: AbortSignal.timeout(REQUEST_MS_MAX),
    });
    const body = (await response.json()) as Problem & { readonly data?: readonly Answered[] };
    const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000;
    return { status: response.status, body, retryAfterMs };
  }

  /** @returns the items that are to be sent again */
  #takeOutcomes(batch: readonly P[], answers: readonly Answered[]): readonly P[] {
    if (answers.length !== batch.length)
      throw new ImportStoppedError('the engine answered with another number of items');
    return batch.filter((pending, index) => {
      const answer = answers[index];
      const { transaction, error } = answer ?? {};
      if (transaction !== undefined) {
        const isNew = Date.parse(transaction.created_at) >= this.#startedAtMs;
        this.#outcome(pending, { type: isNew ? 'posted' : 'replayed', id: transaction.id });
        return false;
      }
      if (error?.retryable === true) return true;
      this.#outcome(pending, {
        type: 'rejected',
        reason: `${error?.code ?? answer?.status ?? ''}: ${error?.detail ?? error?.title ?? ''}`,
      });
      return false;
    });
  }

  #outcome(pending: P, outcome: ItemOutcome): void {
    this.#lastOutcomeMs = Date.now();
    this.#options.onOutcome(pending, outcome);
  }

  /** Tries again, with growing rests, for as long as the engine may stay away. */
  async #retrying(attempt: () => Promise<Attempt>): Promise<void> {
    this.#lastOutcomeMs = Math.max(this.#lastOutcomeMs, Date.now());
    for (let waitMs = RETRY_MS_FIRST; ; waitMs = Math.min(waitMs * 2, RETRY_MS_MAX)) {
      const result = await attempt().catch((error: unknown): Attempt => {
        if (error instanceof ImportStoppedError) throw error;
        // The connection was lost, or no answer came: the same keys again give the true outcome.
        return { done: false, why: fetchFailure(this.#options.url, error) };
      });
      if (result.done) {
        if (this.#trouble) this.#options.onTrouble(null);
        this.#trouble = false;
        return;
      }
      if (Date.now() - this.#lastOutcomeMs > this.#options.retryForMs) {
        throw new ImportStoppedError(`the engine gives no outcome: ${result.why}`);
      }
      if (!this.#trouble) this.#options.onTrouble(result.why);
      this.#trouble = true;
      await delay(Math.min(RETRY_MS_MAX, Math.max(waitMs, result.retryAfterMs ?? 0)));
    }
  }
}

type Attempt = { readonly done: true } | { readonly done: false; readonly why: string; readonly retryAfterMs?: number };
