/** A front's way to a shard's database, and the statements of its reads, each by how it begins. */
import { isTransaction, type LogRecord } from '../../../src/ledger/record.js';
import { readTexts } from '../../../src/ledger/texts.js';
import type { Sql, SqlRow, SqlValue } from '../../../src/store/sql.js';
import { asStore, call } from './call.js';
import { HarnessError } from './errors.js';
import type { EntryBlock, FoldedAccountRow } from './fold.js';
import type { Backend, Server } from './server.js';

type Values = readonly SqlValue[];

/** Lives on the thread that asks first. */
export function frontSql(server: Server): Sql {
  let backend: Backend | null = null;
  return {
    query: (text: string, values: Values = []) =>
      asStore(async () => {
        if (backend?.alive !== true) backend = await server.connect('millrace-read');
        return call(server, backend, () => runRead(server, text, values));
      }),
    copyOut: () => Promise.reject(new Error('nobody copies a simulated log')),
    close: () => Promise.resolve(),
  };
}

const READS: readonly (readonly [
  beginning: string,
  run: (server: Server, values: Values, text: string) => readonly SqlRow[],
])[] = [
  ['SELECT a.number, attached_from()', startOfStatement],
  ['(SELECT e.first_position', blocksAfter],
  ['SELECT l.position, l.book', recordsAt],
  ['SELECT f.position AS folded, a.number', namesOf],
  ["SELECT debit AS number, details ->> 'name'", namesInLog],
  ['SELECT number, code, 0 AS place', currencies],
  [
    'SELECT sequence FROM book',
    ({ fold }, [book]) => rowsOf(fold.books.get(Number(book)), ({ sequence }) => ({ sequence })),
  ],
  ['SELECT to_position FROM fold_step', foldStep],
  ['SELECT a.number, a.book, a.name', accountsFrom],
  ['SELECT l.position, (l.details', metadataAt],
  ['SELECT 1 AS found FROM unnest', () => []],
];

function runRead(server: Server, text: string, values: Values): readonly SqlRow[] {
  const known = READS.find(([beginning]) => text.startsWith(beginning));
  if (known === undefined) throw new HarnessError(`the simulated database does not know this read: ${text}`);
  return known[1](server, values, text);
}

const rowsOf = <T>(value: T | undefined, row: (value: T) => SqlRow): readonly SqlRow[] =>
  value === undefined ? [] : [row(value)];

/** `{1,2,3}`. */
const numbersIn = (text: SqlValue | undefined): number[] =>
  String(text).length <= 2 ? [] : String(text).slice(1, -1).split(',').map(Number);

function startOfStatement({ fold }: Server, [book, name, after]: Values): readonly SqlRow[] {
  const account = fold.accounts.find((one) => one.book === book && one.name === name);
  const position = after === null ? 0 : (fold.books.get(Number(book))?.positions[Number(after) - 1] ?? fold.position);
  return rowsOf(account, ({ number }) => ({ number, attached_from: 1n, after: BigInt(position) }));
}

/** The block in which the position lies, or the last before it, and those that follow. */
function blocksAfter({ fold }: Server, [account, after, count]: Values): readonly SqlRow[] {
  const blocks = fold.entries.get(Number(account)) ?? [];
  const isUpTo = ({ positions }: EntryBlock): boolean => (positions[0] ?? 0) <= Number(after);
  const later = blocks.findIndex((block) => !isUpTo(block));
  const end = later === -1 ? blocks.length : later;
  return blocks.slice(Math.max(0, end - 1), end + Number(count)).map((block) => ({
    first_position: BigInt(block.positions[0] ?? 0),
    last_position: BigInt(block.positions.at(-1) ?? 0),
    version_before: BigInt(block.version),
    debits_posted: block.debitsPosted,
    credits_posted: block.creditsPosted,
    debits_pending: block.debitsPending,
    credits_pending: block.creditsPending,
    positions: `{${block.positions.join(',')}}`,
  }));
}

/** Positions that stand in the statement itself: `ANY ('{1,2,3}'::…)`. */
const positionsIn = (text: string): number[] => numbersIn(/'(\{[0-9,]*\})'/.exec(text)?.[1]);

function recordsAt({ log }: Server, [book]: Values, text: string): readonly SqlRow[] {
  return positionsIn(text)
    .sort((a, b) => a - b)
    .flatMap((position) => log.records[position - 1] ?? [])
    .filter((record) => record.book === book)
    .map(recordRow);
}

function recordRow(record: LogRecord): SqlRow {
  const { key, reference, description, metadata } = readTexts(record.texts);
  const more: string[] = [];
  for (let leg = 1; leg < record.legCount; leg++) {
    const { debit, credit, currency, amount, released } = record;
    more.push(`${record.leg[leg]},${debit[leg]},${credit[leg]},${currency[leg]},${amount[leg]},${released[leg]}`);
  }
  const isImplied = !isTransaction(record.kind) || record.effectiveAt === record.recordedAt;
  return {
    position: BigInt(record.position),
    book: record.book,
    sequence: BigInt(record.sequence),
    kind: record.kind,
    parent: record.parent === 0 ? null : BigInt(record.parent),
    recorded_at: record.recordedAt,
    effective_at: isImplied ? null : record.effectiveAt,
    debit: record.debit[0],
    credit: record.credit[0],
    currency: record.currency[0],
    amount: record.amount[0],
    released: record.released[0],
    leg: record.leg[0],
    more_legs: more.length === 0 ? null : `{${more.join(',')}}`,
    flags: record.flags,
    code: record.code,
    expires_at: record.expiresAt === 0 ? null : record.expiresAt,
    fingerprint: null,
    details: record.details,
    key,
    reference: quoted(reference),
    description: quoted(description),
    metadata,
  };
}

const quoted = (text: string | null): string | null => (text === null ? null : JSON.stringify(text));

/** The cursor stands in a row of its own where nothing is found. */
function namesOf({ fold }: Server, [numbers]: Values): readonly SqlRow[] {
  const folded = BigInt(fold.position);
  const found = numbersIn(numbers).flatMap((number) =>
    rowsOf(fold.accounts[number - 1], ({ name }) => ({ folded, number, name })),
  );
  return found.length > 0 ? found : [{ folded, number: null, name: null }];
}

function namesInLog({ log }: Server, [folded, numbers]: Values): readonly SqlRow[] {
  const wanted = new Set(numbersIn(numbers));
  return log.rows
    .slice(Number(folded))
    .filter(({ kind, account }) => kind === ACCOUNT_OPENED && wanted.has(account))
    .map(({ account, details }) => ({ number: account, name: JSON.parse(details ?? '{}').name as string }));
}

const ACCOUNT_OPENED = 9;
const CONFIGURED = 16;
const FIRST_OWN_CURRENCY = 1001;

/** Those that are folded, then those of records after the cursor. */
function currencies({ fold, log }: Server): readonly SqlRow[] {
  const folded = fold.currencies.map((code, index) => ({ number: FIRST_OWN_CURRENCY + index, code }));
  const later = log.rows
    .slice(fold.position)
    .filter(({ kind }) => kind === CONFIGURED)
    .flatMap(({ details }) => JSON.parse(details ?? '{}').customCurrencies as { readonly code: string }[]);
  return [...folded, ...later.map(({ code }) => ({ number: 0, code }))];
}

/** Does nothing while another step is under way. */
function foldStep({ fold, random }: Server): readonly SqlRow[] {
  if (random.chance(0.8)) fold.advance(random.between(1, 20));
  return [{ to_position: BigInt(fold.position) }];
}

function accountsFrom({ fold }: Server, [book, from, end, after, limit]: Values): readonly SqlRow[] {
  const sequence = fold.books.get(Number(book))?.sequence ?? 0;
  return fold.accounts
    .filter((one) => one.book === book && one.name >= String(from) && (end === null || one.name < String(end)))
    .filter(({ name }) => name > String(after))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, Number(limit))
    .map((one) => accountRow(one, sequence));
}

const accountRow = (one: FoldedAccountRow, sequence: number): SqlRow => ({
  number: one.number,
  book: one.book,
  name: one.name,
  currency: one.currency,
  normal_balance: one.normalBalance,
  open: one.open,
  has_metadata: one.hasMetadata,
  debits_posted: one.debitsPosted,
  credits_posted: one.creditsPosted,
  debits_pending: one.debitsPending,
  credits_pending: one.creditsPending,
  min_balance: one.minBalance,
  max_balance: one.maxBalance,
  version: BigInt(one.version),
  config_version: one.configVersion,
  config_position: BigInt(one.configPosition),
  opened_at: one.openedAt,
  sequence: BigInt(sequence),
});

function metadataAt({ log }: Server, _values: Values, text: string): readonly SqlRow[] {
  return positionsIn(text).flatMap((position) =>
    rowsOf(log.row(position), ({ details }) => ({
      position: BigInt(position),
      metadata: JSON.stringify(JSON.parse(details ?? '{}').metadata ?? null),
    })),
  );
}
