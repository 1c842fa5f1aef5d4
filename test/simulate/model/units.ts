/** Cuts the log into units: the records that one decision wrote. */
import type { LogRow } from '../history.js';
import { Kind } from './state.js';

export interface Unit {
  readonly rows: readonly LogRow[];
  /** The record that is the outcome of a key, where there is one. */
  readonly keyed: LogRow | null;
}

/** Openings stand before the transaction that wanted them, the items of a batch behind its head. */
export function* unitsOf(log: readonly LogRow[]): Generator<Unit> {
  for (let at = 0; at < log.length; ) {
    const row = log[at] as LogRow;
    const end = row.kind === Kind.batch ? at + 1 + countOf(row) : endOfOpenings(log, at);
    const rows = log.slice(at, end);
    yield { rows, keyed: rows.find(({ key }) => key !== null) ?? null };
    at = end;
  }
}

function endOfOpenings(log: readonly LogRow[], from: number): number {
  let at = from;
  while (at < log.length - 1 && log[at]?.kind === Kind.accountOpened && log[at]?.key === null) at++;
  return at + 1;
}

function countOf({ details }: LogRow): number {
  const { count } = JSON.parse(details ?? '{}') as { count?: number };
  return count ?? 0;
}
