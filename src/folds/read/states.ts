/** How transactions stand: a fold of the actions on them. */
import { type Position, RecordKind } from '../../ledger/record.js';
import type { LegState, RecordView, TransactionStatus, TransactionView } from '../../ledger/view.js';
import type { Sql } from '../../store/sql.js';
import { arrayText, LEG_COLUMNS, type LegRow, toLegRow } from './row.js';

interface MutableLegState {
  captured: bigint;
  remaining: bigint;
  released: bigint;
  reversed: bigint;
}

/** Actions by the transaction that they act on, each list in order of position. None stands before what it acts on. */
export async function actionsOn(
  sql: Sql,
  parents: readonly Position[],
): Promise<ReadonlyMap<Position, readonly LegRow[]>> {
  const byParent = new Map<Position, LegRow[]>();
  if (parents.length === 0) return byParent;
  const oldest = parents.reduce((least, position) => Math.min(least, position));
  const rows = await sql.query(
    `SELECT ${LEG_COLUMNS} FROM actions_on($1::text::int8[], $2) l ORDER BY l.parent, l.position`,
    [arrayText(parents), oldest],
  );
  for (const row of rows.map(toLegRow)) {
    const list = byParent.get(row.parent);
    if (list === undefined) byParent.set(row.parent, [row]);
    else list.push(row);
  }
  return byParent;
}

function applyAction(legs: MutableLegState[], action: LegRow): void {
  for (const { leg, amount, released } of action.legs) {
    const state = legs[leg];
    if (state === undefined) throw new Error(`record ${action.position} acts on a leg that its parent does not have`);
    if (action.kind === RecordKind.increment) state.remaining += amount;
    else if (action.kind === RecordKind.reversal) state.reversed += amount;
    else {
      state.captured += amount;
      state.released += released;
      state.remaining -= amount + released;
    }
  }
}

function statusOf(legs: readonly LegState[], lastRelease: RecordKind | null): TransactionStatus {
  const captured = legs.some((leg) => leg.captured > 0n);
  if (legs.some((leg) => leg.remaining > 0n)) return captured ? 'partially_captured' : 'pending';
  if (captured) return 'captured';
  return lastRelease === RecordKind.expiry ? 'expired' : 'voided';
}

/** Actions themselves are posted and have no state of legs: they are never acted on. */
export function foldTransaction(record: RecordView, actions: readonly LegRow[]): TransactionView {
  if (record.kind !== RecordKind.posted && record.kind !== RecordKind.pending)
    return { record, status: 'posted', legs: [] };
  const pending = record.kind === RecordKind.pending;
  const legs = record.legs.map((leg) => ({
    captured: 0n,
    remaining: pending ? leg.amount : 0n,
    released: 0n,
    reversed: 0n,
  }));
  let lastRelease: RecordKind | null = null;
  for (const action of actions) {
    applyAction(legs, action);
    if (action.kind === RecordKind.void || action.kind === RecordKind.expiry) lastRelease = action.kind;
  }
  return { record, status: pending ? statusOf(legs, lastRelease) : 'posted', legs };
}

/** In the order of the records. */
export async function withStates(sql: Sql, records: readonly RecordView[]): Promise<TransactionView[]> {
  const parents = records.filter(({ kind }) => kind === RecordKind.posted || kind === RecordKind.pending);
  const actions = await actionsOn(
    sql,
    parents.map(({ position }) => position),
  );
  return records.map((record) => foldTransaction(record, actions.get(record.position) ?? []));
}
