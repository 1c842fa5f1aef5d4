/**
 * Merchants and API keys as a running engine knows them: follows the control log, keeps a copy of it on this machine,
 * and goes on with that copy for `staleMaxMs` while the control database is away.
 *
 * States: in touch (the last question was answered) → out of touch (known keys work, nothing can be created or revoked)
 * → stale (out of touch for longer than allowed: no key works) → in touch.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ControlRequestError, ControlUnavailableError, messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { Sql } from '../sql.js';
import type { ControlCopy } from './copy.js';
import { CopyFile, readCopy } from './copy.js';
import type { CreatedKey, CreateKey } from './log.js';
import { ControlLog } from './log.js';
import type { ControlKey, ControlMerchant, ControlRecord } from './state.js';
import { ControlState } from './state.js';

export interface ControlOptions {
  /** Opens a connection to the control database; called again after each loss. */
  readonly connect: () => Promise<Sql>;
  /** The copy, such as .millrace/keys.jsonl. */
  readonly copyFile: string;
  readonly pollMs: number;
  readonly staleMaxMs: number;
  readonly log: Log;
  /**
   * Throws where a control log is not that of the ledger: then it is as good as away. Asked whenever a connection was
   * made.
   */
  readonly accept?: (state: ControlState) => Promise<void>;
  /** Wall clock, ms. */
  readonly now?: () => number;
}

/** What listeners are told. */
export interface ControlChange {
  /** True: what is named here is all that there is, and nothing else is any more. */
  readonly whole: boolean;
  readonly merchants: readonly ControlMerchant[];
  readonly keys: readonly ControlKey[];
}

/** How old the time in the copy may become while nothing else changes. */
const COPY_EVERY_MS = 10_000;
const RETRY_MS_MAX = 2000;
/** A database that does not answer in this time is away: a driver may wait for ever. */
const ANSWER_MS_MAX = 5000;

export class Control {
  readonly #options: ControlOptions;
  readonly #now: () => number;
  readonly #listeners = new Set<(change: ControlChange) => void>();
  readonly #copyFile: CopyFile;
  readonly #ended = new AbortController();
  /** What stands here came from the database or, before its first answer, from the copy. */
  #state = new ControlState();
  #log: ControlLog | null = null;
  /** Position in the log of now up to which its records were told and copied; −1: nothing of it was. */
  #toldUpTo = -1;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #copiedAt = 0;
  #wasStale = false;
  #polling: Promise<void> = Promise.resolve();
  /** Questions to the database go one after the other: each decides on the newest state. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: ControlOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#copyFile = new CopyFile(options.copyFile);
  }

  /** Starts whether or not the database can be reached. */
  static async start(options: ControlOptions): Promise<Control> {
    const control = new Control(options);
    const copy = readCopy(options.copyFile);
    if (copy !== null) control.#takeCopy(copy);
    await control.#ask().catch((error: unknown) => {
      options.log.warn(`the control database cannot be reached: ${messageOf(error)}; known keys go on for now`);
    });
    control.#wasStale = control.stale;
    control.#polling = control.#pollForEver();
    return control;
  }

  /** Every key that ever was, revoked ones too. */
  get keys(): readonly ControlKey[] {
    return [...this.#state.keys.values()];
  }

  /** All that there is. */
  get everything(): ControlChange {
    return { whole: true, merchants: [...this.#state.merchants.values()], keys: this.keys };
  }

  /** True: the copy is too old to be believed; no key may be let in. */
  get stale(): boolean {
    // Also where the copy's time lies in the future: a clock that jumped back must not lengthen its life.
    return !(Math.abs(this.#now() - this.#checkedAt) <= this.#options.staleMaxMs);
  }

  /** Called after each change of keys, merchants or `stale`. @returns how to stop that */
  onChange(listener: (change: ControlChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws ControlRequestError, or ControlUnavailableError while the control database is away */
  createKey(request: CreateKey): Promise<CreatedKey> {
    return this.#change((log) => log.createKey(request));
  }

  /** @throws ControlRequestError, or ControlUnavailableError while the control database is away */
  revokeKey(id: string): Promise<ControlKey> {
    return this.#change((log) => log.revokeKey(id));
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#polling;
    await this.#turn.catch(() => undefined);
    await this.#disconnect();
  }

  async #change<T>(change: (log: ControlLog) => Promise<T>): Promise<T> {
    try {
      return await this.#ask(change);
    } catch (error) {
      if (error instanceof ControlRequestError) throw error;
      throw new ControlUnavailableError(`the control database cannot be reached: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** Asks the database; whatever it says that is new is folded, copied and told. */
  #ask<T>(question?: (log: ControlLog) => Promise<T>): Promise<T> {
    const answer = this.#turn.catch(() => undefined).then(() => this.#askNow(question));
    this.#turn = answer;
    return answer;
  }

  async #askNow<T>(question: ((log: ControlLog) => Promise<T>) | undefined): Promise<T> {
    try {
      const log = this.#log ?? (await inTime(this.#open()));
      if (log !== this.#log) this.#toldUpTo = -1;
      this.#log = log;
      const answer = await inTime(question === undefined ? (log.poll() as Promise<T>) : question(log));
      this.#inTouch(log);
      return answer;
    } catch (error) {
      if (!(error instanceof ControlRequestError)) await this.#disconnect();
      throw error;
    }
  }

  async #open(): Promise<ControlLog> {
    const sql = await this.#options.connect();
    try {
      const log = await ControlLog.open(sql);
      await this.#options.accept?.(log.state);
      return log;
    } catch (error) {
      await sql.close().catch(() => undefined);
      throw error;
    }
  }

  #inTouch(log: ControlLog): void {
    const { position } = log.state;
    const known = this.#toldUpTo;
    this.#state = log.state;
    this.#checkedAt = this.#now();
    const changed = position !== known;
    if (changed || this.#checkedAt - this.#copiedAt >= COPY_EVERY_MS) this.#copy(log, Math.max(0, known));
    if (!changed && !this.#wasStale) return;
    this.#toldUpTo = position;
    this.#tell(known === -1 ? this.everything : this.#changeBy(log.records.slice(known)));
  }

  #changeBy(records: readonly ControlRecord[]): ControlChange {
    const { merchants, keys } = this.#state;
    const named = records.map(({ entry }) => entry);
    return {
      whole: false,
      merchants: named.flatMap((entry) =>
        entry.kind === 'merchant_created' ? (merchants.get(entry.merchant) ?? []) : [],
      ),
      keys: named.flatMap((entry) => (entry.kind === 'merchant_created' ? [] : (keys.get(entry.id) ?? []))),
    };
  }

  #copy({ records }: ControlLog, known: number): void {
    this.#copiedAt = this.#checkedAt;
    try {
      this.#copyFile.write({ checkedAt: this.#checkedAt, records }, known);
    } catch (error) {
      this.#options.log.error(`the copy of the API keys cannot be written: ${messageOf(error)}`);
    }
  }

  #takeCopy(copy: ControlCopy): void {
    const state = new ControlState();
    try {
      for (const record of copy.records) state.fold(record);
    } catch (error) {
      this.#options.log.error(`the copy of the API keys cannot be used: ${messageOf(error)}`);
      return;
    }
    this.#state = state;
    this.#checkedAt = copy.checkedAt;
  }

  #tell(change: ControlChange): void {
    this.#wasStale = this.stale;
    for (const listener of this.#listeners) listener(change);
  }

  async #pollForEver(): Promise<void> {
    let waitMs = this.#options.pollMs;
    let failing = false;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      // Without a reference: waiting for the next poll keeps no process alive.
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#ask();
        if (failing) this.#options.log.info('the control database is back');
        failing = false;
        waitMs = this.#options.pollMs;
      } catch (error) {
        if (!failing) this.#options.log.warn(`the control database is away: ${messageOf(error)}; known keys go on`);
        failing = true;
        waitMs = Math.min(waitMs * 2, Math.max(RETRY_MS_MAX, this.#options.pollMs));
        if (this.stale !== this.#wasStale) {
          this.#options.log.error('the control database was away for too long: API keys are not accepted any more');
          this.#tell({ whole: false, merchants: [], keys: [] });
        }
      }
    }
  }

  async #disconnect(): Promise<void> {
    const log = this.#log;
    this.#log = null;
    await log?.close().catch(() => undefined);
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  const timer = new AbortController();
  const late = delay(ANSWER_MS_MAX, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${ANSWER_MS_MAX} ms`);
  });
  // Whichever loses the race ends unheard.
  late.catch(() => undefined);
  answer.catch(() => undefined);
  try {
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}
