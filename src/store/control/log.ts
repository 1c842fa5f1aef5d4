/**
 * The control log: merchants and API keys, append-only, in schema `control`. Small, so its fold is held in memory.
 *
 * Several engines may write: a record goes to the place after the last one folded here, and where another engine was
 * first, its records are folded and the decision is made anew.
 */
import { createApiKey } from '../../platform/api-key.js';
import { ControlRequestError } from '../../platform/errors.js';
import type { Sql } from '../sql.js';
import { migrateControl } from './migrations.js';
import type { ControlEntry, ControlKey, ControlRecord, Environment, Scope } from './state.js';
import { ControlState, isMerchantId } from './state.js';

export interface CreateKey {
  readonly merchant: string;
  readonly environment: Environment;
  readonly scopes: readonly Scope[];
}

export interface CreatedKey {
  /** The key itself: shown once, never stored. */
  readonly token: string;
  readonly key: ControlKey;
}

const UNIQUE_VIOLATION = '23505';

export class ControlLog {
  readonly state = new ControlState();
  readonly records: ControlRecord[] = [];
  readonly #sql: Sql;

  private constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Makes the tables where they are missing, and reads the log. */
  static async open(sql: Sql): Promise<ControlLog> {
    await migrateControl(sql);
    const log = new ControlLog(sql);
    await log.poll();
    return log;
  }

  /** Folds what came since; @returns how many records that were */
  async poll(): Promise<number> {
    const rows = await this.#sql.query(
      `SELECT position, (extract(epoch FROM recorded_at) * 1000000)::int8 AS recorded_at, kind, body::text AS body
       FROM control.log WHERE position > $1 ORDER BY position`,
      [this.state.position],
    );
    for (const row of rows) {
      const record: ControlRecord = {
        position: Number(row.position),
        recordedAt: Number(row.recorded_at),
        entry: { kind: row.kind, ...(JSON.parse(String(row.body)) as object) } as ControlEntry,
      };
      this.state.fold(record);
      this.records.push(record);
    }
    return rows.length;
  }

  /**
   * A new key; its merchant comes to be with its first one.
   * @throws ControlRequestError for an id that no merchant may have
   */
  async createKey({ merchant, environment, scopes }: CreateKey): Promise<CreatedKey> {
    if (!isMerchantId(merchant)) {
      throw new ControlRequestError(
        `"${merchant}" cannot be a merchant id: 1 to 128 of A-Z a-z 0-9 . _ : @ + -, with at most one {…}`,
      );
    }
    const { token, id, hash } = createApiKey(environment);
    await this.#append((state) => {
      const entries: ControlEntry[] = [];
      if (!state.merchants.has(merchant)) {
        const [testBook, liveBook] = state.nextBooks;
        entries.push({ kind: 'merchant_created', merchant, test_book: testBook, live_book: liveBook });
      }
      entries.push({ kind: 'key_created', id, hash, merchant, environment, scopes });
      return entries;
    });
    return { token, key: this.#keyOf(id) };
  }

  /**
   * Revoking a revoked key changes nothing.
   * @throws ControlRequestError where there is no such key
   */
  async revokeKey(id: string): Promise<ControlKey> {
    await this.#append((state) => {
      const key = state.keys.get(id);
      if (key === undefined) throw new ControlRequestError(`there is no key ${id}; see: millrace keys list`);
      return key.revoked ? [] : [{ kind: 'key_revoked', id }];
    });
    return this.#keyOf(id);
  }

  close(): Promise<void> {
    return this.#sql.close();
  }

  #keyOf(id: string): ControlKey {
    const key = this.state.keys.get(id);
    if (key === undefined) throw new Error(`key ${id} was written and cannot be read`);
    return key;
  }

  /** Decides on the newest state and appends; again where another engine wrote in between. */
  async #append(decide: (state: ControlState) => readonly ControlEntry[]): Promise<void> {
    for (;;) {
      await this.poll();
      const entries = decide(this.state);
      if (entries.length === 0 || (await this.#insert(entries))) break;
    }
    await this.poll();
  }

  /** @returns false where the place was taken */
  async #insert(entries: readonly ControlEntry[]): Promise<boolean> {
    const kinds = entries.map(({ kind }) => kind);
    const bodies = entries.map(({ kind: _, ...body }) => JSON.stringify(body));
    try {
      await this.#sql.query(
        `INSERT INTO control.log (position, kind, body)
         SELECT $1::int8 + entry.place, entry.kind, entry.body::json
         FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS entry (kind, body, place)`,
        [this.state.position, kinds, bodies],
      );
      return true;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === UNIQUE_VIOLATION) return false;
      throw error;
    }
  }
}
