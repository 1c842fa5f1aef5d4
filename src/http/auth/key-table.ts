/**
 * A front's copy of all API keys. The supervisor pushes changes; what was pushed holds from the next request on, so a
 * revoked key is refused at once.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { ApiKeyEntry } from '../../engine/supervisor/messages.js';
import { parseApiKey } from '../../platform/api-key.js';
import type { Principal } from '../types.js';

interface Entry {
  readonly hash: Buffer;
  readonly principal: Principal;
  /** Codes of the Authorization field that was last found to be right: repeats of it are compared instead of hashed. */
  verified: Uint16Array | null;
}

const SCHEME = 'bearer ';
/** `Bearer mr_test_` and `Bearer mr_live_` are of one length: the id's place in a header of the usual spelling. */
const ID_START = 'Bearer mr_test_'.length;
const ID_END = ID_START + 12;

export class KeyTable {
  #entries = new Map<string, Entry>();
  /** Of the request before: most come from the same few senders. */
  #last: Entry | null = null;
  readonly #hear: () => void;
  #available = true;
  #version = 0;

  /** @param hear called for a key that is not known: takes in what was pushed already and has not arrived here yet */
  constructor(rows: readonly ApiKeyEntry[] = [], hear: () => void = () => undefined) {
    this.#hear = hear;
    this.replace(rows);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** False: the copy is older than `auth_stale_max`, and every request is answered `keys_unavailable`. */
  get available(): boolean {
    return this.#available;
  }

  /** Rises with every change, so that who was known before it can be asked for again. */
  get version(): number {
    return this.#version;
  }

  setAvailable(available: boolean): void {
    this.#version++;
    this.#available = available;
  }

  /** The whole table anew. */
  replace(rows: readonly ApiKeyEntry[]): void {
    this.#entries = new Map();
    this.update(rows);
  }

  /** Some rows, new or changed. */
  update(rows: readonly ApiKeyEntry[]): void {
    this.#version++;
    this.#last = null;
    for (const row of rows) {
      if (row.revoked) this.#entries.delete(row.id);
      else this.#entries.set(row.id, toEntry(row));
    }
  }

  /**
   * Who sends this Authorization field; null where it holds no key that is known and in force. Takes as long for a wrong
   * secret as for a right one; ids are not secret.
   */
  authenticate(authorization: string): Principal | null {
    const last = this.#last;
    if (last !== null && isVerified(last, authorization)) return last.principal;
    const known = this.#entries.get(authorization.slice(ID_START, ID_END));
    if (known === undefined || !isVerified(known, authorization)) return this.#verify(authorization);
    this.#last = known;
    return known.principal;
  }

  #verify(authorization: string): Principal | null {
    if (authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return null;
    const token = authorization.slice(SCHEME.length).trim();
    const parts = parseApiKey(token);
    if (parts === null) return null;
    if (!this.#entries.has(parts.id)) this.#hear();
    const entry = this.#entries.get(parts.id);
    if (entry === undefined || entry.principal.environment !== parts.environment) return null;
    if (!timingSafeEqual(createHash('sha256').update(token).digest(), entry.hash)) return null;
    entry.verified = Uint16Array.from({ length: authorization.length }, (_, index) => authorization.charCodeAt(index));
    return entry.principal;
  }
}

function toEntry(row: ApiKeyEntry): Entry {
  const { id: keyId, merchant, environment, book, shard, scopes } = row;
  const hash = Buffer.from(row.hash, 'hex');
  if (hash.length !== 32) throw new RangeError(`the hash of key ${row.id} is not a SHA-256`);
  return { hash, principal: { keyId, merchant, environment, book, shard, scopes }, verified: null };
}

/** Compares every character whatever the first difference is. Lengths are no secret. */
function isVerified({ verified }: Entry, authorization: string): boolean {
  if (verified === null || verified.length !== authorization.length) return false;
  let difference = 0;
  for (let index = 0; index < verified.length; index++) {
    difference |= (verified[index] ?? 0) ^ authorization.charCodeAt(index);
  }
  return difference === 0;
}
