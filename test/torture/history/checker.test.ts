/** The checker takes what an honest ledger gives, and names each forgery. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkHistory } from './checker.js';
import type { Operation } from './operation.js';

const blank = { appends: [], reads: [], sequence: null, strict: true, tokenOf: null, outcome: 'ok' } as const;

/** A posting that appends an element to some lists. */
const append = (
  from: number,
  to: number,
  element: string,
  accounts: string,
  more: Partial<Operation> = {},
): Operation => ({
  ...blank,
  invokedAt: from,
  endedAt: to,
  appends: [...accounts].map((account) => ({ account, element })),
  ...more,
});

/** A read of one list, its elements as letters. */
const read = (
  from: number,
  to: number,
  account: string,
  elements: string,
  more: Partial<Operation> = {},
): Operation => ({
  ...blank,
  invokedAt: from,
  endedAt: to,
  reads: [{ account, elements: [...elements] }],
  ...more,
});

const names = (history: readonly Operation[]) => [...new Set(checkHistory(history).map(({ name }) => name))];

test('an acknowledged append that a later read does not show is lost', () => {
  expect(names([append(0, 1, 'a', 'X'), append(2, 3, 'b', 'X'), read(4, 5, 'X', 'a')])).toEqual(['lost']);
});

test('an append that is shown twice is named', () => {
  expect(names([append(0, 1, 'a', 'X'), read(2, 3, 'X', 'aa')])).toEqual(['duplicate']);
});

test('two postings with one sequence are named', () => {
  const history = [append(0, 1, 'a', 'X', { sequence: 4 }), append(0, 1, 'b', 'Y', { sequence: 4 })];
  expect(names(history)).toEqual(['duplicate']);
});

test('two reads that are not beginnings of one order are named', () => {
  const history = [append(0, 9, 'a', 'X'), append(0, 9, 'b', 'X'), read(1, 9, 'X', 'ab'), read(1, 9, 'X', 'ba')];
  expect(names(history)).toEqual(['not a prefix']);
});

test('an element that nobody appended is named', () => {
  expect(names([append(0, 1, 'a', 'X'), read(2, 3, 'X', 'az')])).toEqual(['out of nowhere']);
  expect(names([append(0, 1, 'a', 'X'), read(2, 3, 'Y', 'a')])).toContain('out of nowhere');
});

test('a read of what was refused is G1a', () => {
  expect(names([append(0, 1, 'a', 'X', { outcome: 'failed' }), read(2, 3, 'X', 'a')])).toEqual(['G1a']);
});

test('a read of a part of an atomic batch is G1b', () => {
  const batch: Operation = {
    ...blank,
    invokedAt: 0,
    endedAt: 9,
    appends: [
      { account: 'X', element: 'a' },
      { account: 'X', element: 'b' },
    ],
  };
  expect(names([batch, read(1, 2, 'X', 'a'), read(3, 4, 'X', 'ab')])).toEqual(['G1b']);
  expect(names([batch, read(1, 2, 'X', ''), read(3, 4, 'X', 'ab')])).toEqual([]);
});

test('two lists that show two postings in opposite orders are G0', () => {
  const history = [append(0, 9, 'a', 'XY'), append(0, 9, 'b', 'XY'), read(1, 9, 'X', 'ab'), read(1, 9, 'Y', 'ba')];
  expect(names(history)).toEqual(['G0']);
});

test('a posting that depends on what depends on it is G1c', () => {
  const history = [
    { ...append(0, 9, 'a', 'X'), reads: [{ account: 'Y', elements: ['b'] }] },
    { ...append(0, 9, 'b', 'Y'), reads: [{ account: 'X', elements: ['a'] }] },
  ];
  expect(names(history)).toEqual(['G1c']);
});

test('a reader that sees one half of a posting and not the other is G-single', () => {
  const torn: Operation = {
    ...blank,
    invokedAt: 0,
    endedAt: 9,
    reads: [
      { account: 'X', elements: ['a'] },
      { account: 'Y', elements: [] },
    ],
  };
  expect(names([append(0, 9, 'a', 'XY'), torn, read(1, 9, 'Y', 'a')])).toEqual(['G-single']);
});

test('lists that contradict the public sequence are named', () => {
  const history = [
    append(0, 9, 'a', 'X', { sequence: 2 }),
    append(0, 9, 'b', 'X', { sequence: 1 }),
    read(1, 9, 'X', 'ab'),
  ];
  expect(names(history)).toEqual(['against the sequence']);
});

test('a read that is older than the token it presented is named, also where the token is of another list', () => {
  const seen = read(1, 2, 'X', 'a');
  const old = read(3, 4, 'Y', '', { strict: false, tokenOf: 1 });
  expect(names([append(0, 9, 'a', 'XY'), seen, old, read(5, 9, 'Y', 'a')])).toEqual(['older than its token']);
  expect(names([append(0, 9, 'a', 'XY'), seen, { ...old, tokenOf: null }, read(5, 9, 'Y', 'a')])).toEqual([]);
});

test('a read of the present that is older than what ended before it is against real time', () => {
  const history = [append(0, 1, 'a', 'X'), read(2, 3, 'X', ''), read(4, 5, 'X', 'a')];
  expect(names(history)).toEqual(['against real time']);
  const asOld = history.map((operation, index) => (index === 1 ? { ...operation, strict: false } : operation));
  expect(names(asOld)).toEqual([]);
});

test('an unknown append may show at any time after it was asked, and never before', () => {
  const unknown = (from: number) => append(from, Number.POSITIVE_INFINITY, 'a', 'X', { outcome: 'unknown' });
  expect(names([unknown(0), read(1, 2, 'X', ''), read(3, 4, 'X', 'a')])).toEqual([]);
  expect(names([unknown(0), read(1, 2, 'X', '')])).toEqual([]);
  expect(names([unknown(5), read(1, 2, 'X', 'a')])).toEqual(['against real time']);
  expect(names([unknown(0), read(1, 2, 'X', 'a'), read(3, 4, 'X', '')])).toEqual(['against real time']);
});

/** Clients of a ledger that does one thing at a time, each operation at some moment between question and answer. */
const honest = fc
  .array(
    fc.record({
      isRead: fc.boolean(),
      accounts: fc.subarray(['X', 'Y', 'Z'], { minLength: 1 }),
      before: fc.integer({ min: 1, max: 400 }),
      after: fc.integer({ min: 1, max: 400 }),
      end: fc.constantFrom('ok' as const, 'ok' as const, 'ok' as const, 'unknown' as const, 'failed' as const),
    }),
    { minLength: 4, maxLength: 60 },
  )
  .map((steps) => {
    const lists = new Map<string, string[]>();
    let sequence = 0;
    return steps.map(({ isRead, accounts, before, after, end }, step): Operation => {
      const at = step * 100;
      const times = { invokedAt: at - before, endedAt: at + after };
      if (isRead) {
        const account = accounts[0] ?? 'X';
        return { ...blank, ...times, reads: [{ account, elements: [...(lists.get(account) ?? [])] }] };
      }
      const element = `e${step}`;
      const appends = accounts.map((account) => ({ account, element }));
      if (end === 'failed') return { ...blank, ...times, outcome: 'failed', appends };
      sequence++;
      for (const account of accounts) lists.set(account, [...(lists.get(account) ?? []), element]);
      if (end === 'ok') return { ...blank, ...times, appends, sequence };
      return { ...blank, ...times, endedAt: Number.POSITIVE_INFINITY, outcome: 'unknown', appends };
    });
  });

test('whatever clients of an honest ledger see is taken', () => {
  fc.assert(
    fc.property(honest, (history) => {
      expect(checkHistory(history)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('an acknowledged append that is taken out of every read is found in whatever history it is', () => {
  const end = 1_000_000;
  const closed = honest.map((history) => {
    const lists = new Map<string, string[]>([
      ['X', []],
      ['Y', []],
      ['Z', []],
    ]);
    for (const { outcome, appends } of history) {
      if (outcome !== 'failed') for (const { account, element } of appends) lists.get(account)?.push(element);
    }
    const last = [...lists].map(([account, elements]) => ({
      ...blank,
      invokedAt: end,
      endedAt: end + 1,
      reads: [{ account, elements }],
    }));
    return [...history, ...last] as Operation[];
  });
  const acknowledged = ({ outcome, appends }: Operation) => outcome === 'ok' && appends.length > 0;
  fc.assert(
    fc.property(closed, fc.nat(), (history, pick) => {
      const candidates = history.filter(acknowledged);
      fc.pre(candidates.length > 0);
      const victim = candidates[pick % candidates.length]?.appends[0]?.element;
      const without = history.map((operation) => ({
        ...operation,
        reads: operation.reads.map((list) => ({ ...list, elements: list.elements.filter((each) => each !== victim) })),
      }));
      expect(checkHistory(history)).toEqual([]);
      expect(names(without)).toContain('lost');
    }),
    { numRuns: 100 },
  );
});
