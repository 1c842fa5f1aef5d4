/** Rows of `log` as they come from SQL. */
import {
  addsPending,
  addsPosted,
  isTransaction,
  type Micros,
  type Position,
  type RecordKind,
  takesPending,
} from '../../ledger/record.js';
import type { SqlRow } from '../../store/sql.js';

/** What a record did, without its texts. Arrays and JSON travel as text, so that every driver gives the same. */
export const LEG_COLUMNS = `l.position, l.book, l.sequence, l.kind, l.parent, l.recorded_at, l.effective_at, l.debit, l.credit,
  l.currency, l.amount, l.released, l.leg, l.more_legs::text AS more_legs`;

/** Texts in JSON's quotes: PGlite's driver leaves out a U+FEFF that a value begins with. */
export const RECORD_COLUMNS = `${LEG_COLUMNS}, l.flags, l.code, l.expires_at, l.fingerprint, l.details::text AS details,
  l.key, to_json(l.reference)::text AS reference, to_json(l.description)::text AS description, l.metadata::text AS metadata`;

/** `$n`, given as microseconds, as a timestamptz. */
export const timeParameter = (n: number): string => `(timestamptz 'epoch' + $${n}::float8 * interval '1 microsecond')`;
/**
 * Positions to look for in `log`, as a constant of the statement's text. Only by constants does the planner leave out the
 * partitions in which none of them can be; by a parameter that is cast it plans all of them, for 60 µs each.
 */
export const positionArray = (positions: Iterable<Position>): string => `'${arrayText(positions)}'::int8[]`;
/** Numbers as one parameter of the array type named: `$n::text::int8[]`. */
export const arrayText = (numbers: Iterable<number>): string => `{${[...numbers].join(',')}}`;

export interface RowLeg {
  readonly leg: number;
  readonly debit: number;
  readonly credit: number;
  readonly currency: number;
  readonly amount: bigint;
  readonly released: bigint;
}

export interface LegRow {
  readonly position: Position;
  readonly book: number;
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly parent: Position;
  readonly recordedAt: Micros;
  readonly effectiveAt: Micros;
  readonly legs: readonly RowLeg[];
}

export const toNumber = (value: unknown): number => (value === null || value === undefined ? 0 : Number(value));
export const toBigInt = (value: unknown): bigint =>
  value === null || value === undefined ? 0n : BigInt(value as bigint);
export const toText = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
/** Of a text that comes as JSON. */
export const unquoted = (value: unknown): string | null => {
  const json = toText(value);
  return json === null ? null : String(JSON.parse(json));
};

const MORE_LEG_NUMBERS = 6;

function legsOf(row: SqlRow): RowLeg[] {
  if (row.debit === null || row.credit === null || !isTransaction(toNumber(row.kind) as RecordKind)) return [];
  const legs: RowLeg[] = [
    {
      leg: toNumber(row.leg),
      debit: toNumber(row.debit),
      credit: toNumber(row.credit),
      currency: toNumber(row.currency),
      amount: toBigInt(row.amount),
      released: toBigInt(row.released),
    },
  ];
  const more = toText(row.more_legs);
  if (more === null || more === '{}') return legs;
  const numbers = more.slice(1, -1).split(',');
  for (let at = 0; at < numbers.length; at += MORE_LEG_NUMBERS) {
    const [leg, debit, credit, currency, amount, released] = numbers.slice(at, at + MORE_LEG_NUMBERS);
    legs.push({
      leg: Number(leg),
      debit: Number(debit),
      credit: Number(credit),
      currency: Number(currency),
      amount: toBigInt(amount),
      released: toBigInt(released),
    });
  }
  return legs;
}

export function toLegRow(row: SqlRow): LegRow {
  const recordedAt = toNumber(row.recorded_at);
  const kind = toNumber(row.kind) as RecordKind;
  // Null says "when it was recorded"; records that are no transactions are not effective at any time.
  const impliedAt = isTransaction(kind) ? recordedAt : 0;
  return {
    position: toNumber(row.position),
    book: toNumber(row.book),
    sequence: toNumber(row.sequence),
    kind,
    parent: toNumber(row.parent),
    recordedAt,
    effectiveAt: row.effective_at === null ? impliedAt : toNumber(row.effective_at),
    legs: legsOf(row),
  };
}

/** The four counters of an account. */
export interface Counters {
  debitsPosted: bigint;
  creditsPosted: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
}

/** Adds what a record did to one account. @returns whether the record touches it */
export function addRecord(counters: Counters, account: number, row: LegRow): boolean {
  let touched = false;
  for (const leg of row.legs) {
    if (leg.debit !== account && leg.credit !== account) continue;
    touched = true;
    const posted = addsPosted(row.kind) ? leg.amount : 0n;
    let pending = addsPending(row.kind) ? leg.amount : 0n;
    if (takesPending(row.kind)) pending -= leg.amount + leg.released;
    if (leg.debit === account) {
      counters.debitsPosted += posted;
      counters.debitsPending += pending;
    } else {
      counters.creditsPosted += posted;
      counters.creditsPending += pending;
    }
  }
  return touched;
}
