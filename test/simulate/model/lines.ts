/** What a statement should say: each record that moved money of an account, and how the account stood after it. */
import type { History, LogRow } from '../history.js';
import { Kind } from './state.js';

export interface Line {
  readonly position: number;
  readonly sequence: number;
  readonly kind: number;
  readonly legs: LogRow['legs'];
  readonly version: number;
  readonly debitsPosted: bigint;
  readonly creditsPosted: bigint;
  readonly debitsPending: bigint;
  readonly creditsPending: bigint;
}

const known = new WeakMap<History, ReadonlyMap<number, readonly Line[]>>();

/** By number of the account; added up along the log, whose records the model has agreed to. */
export function linesOf(history: History): ReadonlyMap<number, readonly Line[]> {
  let lines = known.get(history);
  if (lines === undefined) {
    lines = addUp(history.log);
    known.set(history, lines);
  }
  return lines;
}

function addUp(log: readonly LogRow[]): Map<number, Line[]> {
  const lines = new Map<number, Line[]>();
  for (const row of log) {
    if (row.kind < Kind.posted || row.kind > Kind.reversal) continue;
    for (const account of new Set(row.legs.flatMap(({ debit, credit }) => [debit, credit]))) {
      const before = lines.get(account) ?? [];
      lines.set(account, before);
      before.push(after(before.at(-1), row, account));
    }
  }
  return lines;
}

const POSTS: ReadonlySet<number> = new Set([Kind.posted, Kind.capture, Kind.reversal]);
const HOLDS: ReadonlySet<number> = new Set([Kind.pending, Kind.increment]);
const RELEASES: ReadonlySet<number> = new Set([Kind.capture, Kind.void, Kind.expiry]);

function after(before: Line | undefined, { position, sequence, kind, legs }: LogRow, account: number): Line {
  let [debitsPosted, creditsPosted] = [before?.debitsPosted ?? 0n, before?.creditsPosted ?? 0n];
  let [debitsPending, creditsPending] = [before?.debitsPending ?? 0n, before?.creditsPending ?? 0n];
  for (const { debit, credit, amount, released } of legs) {
    const posted = POSTS.has(kind) ? amount : 0n;
    const held = (HOLDS.has(kind) ? amount : 0n) - (RELEASES.has(kind) ? amount + released : 0n);
    if (debit === account) {
      debitsPosted += posted;
      debitsPending += held;
    }
    if (credit === account) {
      creditsPosted += posted;
      creditsPending += held;
    }
  }
  const version = (before?.version ?? 0) + 1;
  return { position, sequence, kind, legs, version, debitsPosted, creditsPosted, debitsPending, creditsPending };
}
