/** Query parameters of reads. Unknown and repeated ones are refused. */
import type { Micros } from '../../ledger/record.js';
import type { TransactionStatus } from '../../ledger/view.js';
import { RequestProblem } from '../types.js';
import { accountNameFault } from './name.js';
import { parseTime } from './time.js';

export const LIMIT_DEFAULT = 50;
export const LIMIT_MAX = 1000;

const TEXT_LENGTH_MAX = 1000;

const STATUSES = [
  'posted',
  'pending',
  'captured',
  'partially_captured',
  'voided',
  'expired',
] as const satisfies readonly TransactionStatus[];

interface Page {
  /** 1–1000. */
  readonly limit: number;
  readonly cursor: string | null;
}
interface TransactionsQuery extends Page {
  readonly account: string | null;
  readonly reference: string | null;
  readonly status: TransactionStatus | null;
  /** `metadata[key]=value`: a member of the metadata, compared as text. */
  readonly metadata: { readonly key: string; readonly value: string } | null;
  /** created_at ≥ from, < to; µs. */
  readonly from: Micros | null;
  readonly to: Micros | null;
}
interface AccountsQuery extends Page {
  readonly prefix: string | null;
}
export interface EntriesQuery extends Page {
  /** Only records that change what is posted. */
  readonly kind: 'posted' | null;
  readonly from: Micros | null;
  readonly to: Micros | null;
}
/** At most one of the two. */
export interface AccountQuery {
  readonly at: Micros | null;
  readonly asOf: Micros | null;
}

// Each takes the query as it stands in the request line, without "?", and throws RequestProblem `invalid_query`.

export function parseTransactionsQuery(query: string): TransactionsQuery {
  const parameters = new Parameters(query, ['account', 'reference', 'status', 'from', 'to', 'limit', 'cursor'], true);
  return {
    account: parameters.accountName('account'),
    reference: parameters.text('reference'),
    status: parameters.oneOf('status', STATUSES),
    metadata: parameters.metadata,
    ...parameters.span(),
    ...parameters.page(),
  };
}

export function parseAccountsQuery(query: string): AccountsQuery {
  const parameters = new Parameters(query, ['prefix', 'limit', 'cursor']);
  return { prefix: parameters.prefix('prefix'), ...parameters.page() };
}

export function parseEntriesQuery(query: string): EntriesQuery {
  const parameters = new Parameters(query, ['kind', 'from', 'to', 'limit', 'cursor']);
  return { kind: parameters.oneOf('kind', ['posted'] as const), ...parameters.span(), ...parameters.page() };
}

export function parseAccountQuery(query: string): AccountQuery {
  const parameters = new Parameters(query, ['at', 'as_of']);
  const at = parameters.time('at');
  const asOf = parameters.time('as_of');
  if (at !== null && asOf !== null) throw invalid('Send "at" or "as_of", not both.');
  return { at, asOf };
}

/** For routes that take no query. */
export function parseNoQuery(query: string): void {
  new Parameters(query, []);
}

function invalid(detail: string): RequestProblem {
  return new RequestProblem('invalid_query', detail);
}

class Parameters {
  readonly #values = new Map<string, string>();
  readonly metadata: { readonly key: string; readonly value: string } | null = null;

  constructor(query: string, known: readonly string[], withMetadata = false) {
    for (const pair of query === '' ? [] : query.split('&')) {
      const equals = pair.indexOf('=');
      const name = formDecode(equals < 0 ? pair : pair.slice(0, equals));
      const value = equals < 0 ? '' : pair.slice(equals + 1);
      const key = withMetadata ? /^metadata\[(.+)\]$/su.exec(name)?.[1] : undefined;
      if (key !== undefined) {
        if (this.metadata !== null) throw invalid('One metadata[…] parameter is taken.');
        this.metadata = { key: this.#checked(name, key), value: this.#checked(name, formDecode(value)) };
      } else if (!known.includes(name)) {
        throw invalid(`The parameter ${JSON.stringify(name.slice(0, 64))} is not known here.`);
      } else if (this.#values.has(name)) {
        throw invalid(`The parameter "${name}" stands twice.`);
      } else {
        this.#values.set(name, value);
      }
    }
  }

  #checked(name: string, text: string): string {
    if (text.length <= TEXT_LENGTH_MAX && !text.includes('\0')) return text;
    throw invalid(`"${name.slice(0, 64)}" is at most ${TEXT_LENGTH_MAX} characters without U+0000.`);
  }

  /** Where no space can stand, "+" is itself: names and offsets of time zones have it. */
  #raw(name: string): string | null {
    const value = this.#values.get(name);
    return value === undefined ? null : decode(value);
  }

  text(name: string): string | null {
    const value = this.#values.get(name);
    return value === undefined ? null : this.#checked(name, formDecode(value));
  }

  accountName(name: string): string | null {
    const value = this.#raw(name);
    const fault = value === null ? null : accountNameFault(value);
    if (fault !== null) throw invalid(`"${name}" is the name of an account. ${fault}`);
    return value;
  }

  /** The beginning of a name: may end with a slash. */
  prefix(name: string): string | null {
    const value = this.#raw(name);
    if (value === null || /^[A-Za-z0-9._:/@+-]{0,128}$/.test(value)) return value === '' ? null : value;
    throw invalid(`"${name}" is the beginning of an account's name.`);
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | null {
    const value = this.#raw(name);
    if (value === null) return null;
    const found = allowed.find((word) => word === value);
    if (found === undefined) throw invalid(`"${name}" is one of ${allowed.join(', ')}.`);
    return found;
  }

  time(name: string): Micros | null {
    const value = this.#raw(name);
    if (value === null) return null;
    const micros = parseTime(value);
    if (micros === null) throw invalid(`"${name}" is a time of RFC 3339 like 2026-11-21T10:17:03Z.`);
    return micros;
  }

  span(): { readonly from: Micros | null; readonly to: Micros | null } {
    return { from: this.time('from'), to: this.time('to') };
  }

  page(): Page {
    const limit = this.#raw('limit');
    if (limit !== null && (!/^[1-9][0-9]{0,3}$/.test(limit) || Number(limit) > LIMIT_MAX)) {
      throw invalid(`"limit" is an integer from 1 to ${LIMIT_MAX}.`);
    }
    const cursor = this.#raw('cursor');
    if (cursor !== null && !/^[\x21-\x7e]{1,512}$/.test(cursor))
      throw invalid('"cursor" is the next_cursor of an earlier answer.');
    return { limit: limit === null ? LIMIT_DEFAULT : Number(limit), cursor };
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('The query is not percent-encoded UTF-8.');
  }
}

/** As HTML forms and most clients write free text: "+" for a space. */
function formDecode(text: string): string {
  return decode(text.replaceAll('+', ' '));
}
