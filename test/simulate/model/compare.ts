/** Holds a row of the log against what the model expects there. */
import type { LogRow } from '../history.js';
import { canonicalJson, sorted } from './accounts.js';
import type { ParentState } from './acting.js';
import type { ExpectedRow, Problem } from './expected.js';

/** Names in place of numbers, codes in place of currencies. */
export interface Names {
  accountName(number: number): string | undefined;
  currencyCode(number: number): string;
}

/** What differs, as both sides say it. */
export interface Difference {
  readonly field: string;
  readonly said: string;
  readonly expected: string;
}

/** JSON that shows bigints, for complaints. */
export const show = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one)) ?? 'undefined';

export function compareRow(row: LogRow, expected: ExpectedRow, names: Names): Difference | null {
  const account = row.account === 0 ? null : (names.accountName(row.account) ?? row.account);
  if (
    row.kind === expected.kind &&
    row.code === expected.code &&
    row.parent === expected.parent &&
    row.flags === expected.flags &&
    row.effectiveAt === expected.effectiveAt &&
    row.expiresAt === expected.expiresAt &&
    (row.key !== null) === expected.answers &&
    account === expected.account
  ) {
    return compareLegs(row, expected, names) ?? compareTexts(row, expected) ?? compareDetails(row, expected, names);
  }
  const fields: readonly (readonly [string, unknown, unknown])[] = [
    ['kind', row.kind, expected.kind],
    ['code', row.code, expected.code],
    ['parent', row.parent, expected.parent],
    ['flags', row.flags, expected.flags],
    ['effectiveAt', row.effectiveAt, expected.effectiveAt],
    ['expiresAt', row.expiresAt, expected.expiresAt],
    ['keyed', row.key !== null, expected.answers],
    ['account', account, expected.account],
  ];
  const [field, said, wanted] = fields.find(([, one, other]) => one !== other) ?? ['row', row, expected];
  return { field, said: show(said), expected: show(wanted) };
}

function compareLegs(row: LogRow, expected: ExpectedRow, names: Names): Difference | null {
  const isSame = (leg: LogRow['legs'][number], wanted: ExpectedRow['legs'][number] | undefined): boolean =>
    wanted !== undefined &&
    leg.leg === wanted.leg &&
    leg.amount === wanted.amount &&
    leg.released === wanted.released &&
    leg.currency === wanted.currency &&
    names.accountName(leg.debit) === wanted.debit &&
    names.accountName(leg.credit) === wanted.credit;
  if (row.legs.length === expected.legs.length && row.legs.every((leg, at) => isSame(leg, expected.legs[at]))) {
    return null;
  }
  const said = row.legs.map(
    ({ leg, debit, credit, currency, amount, released }) =>
      `${leg}: ${names.accountName(debit)}>${names.accountName(credit)} ${amount}+${released} of ${currency}`,
  );
  const wanted = expected.legs.map(
    ({ leg, debit, credit, currency, amount, released }) =>
      `${leg}: ${debit}>${credit} ${amount}+${released} of ${currency}`,
  );
  return { field: 'legs', said: show(said), expected: show(wanted) };
}

function compareTexts(row: LogRow, { texts }: ExpectedRow): Difference | null {
  if (texts === null) return null;
  const isSame = row.reference === texts.reference && row.description === texts.description;
  if (isSame && row.metadata === texts.metadata) return null;
  const said = sorted([row.reference, row.description, canonicalJson(row.metadata)]);
  const wanted = sorted([texts.reference, texts.description, canonicalJson(texts.metadata)]);
  return said === wanted ? null : { field: 'texts', said, expected: wanted };
}

/** What the model says stands in the row's details, which may say more. */
export function compareDetails(
  { details }: { readonly details: string | null },
  expected: { readonly details: Readonly<Record<string, unknown>> },
  names: Names,
): Difference | null {
  const wantedFields = Object.entries(expected.details);
  if (wantedFields.length === 0) return null;
  const said = details === null ? {} : (JSON.parse(details) as Record<string, unknown>);
  for (const [field, value] of wantedFields) {
    const wanted = field === 'parent_state' ? spelled(value as ParentState, names) : value;
    if (said[field] === wanted || sorted(said[field]) === sorted(wanted)) continue;
    return { field: `details.${field}`, said: show(said[field]), expected: show(wanted) };
  }
  return null;
}

/** What a refusal says of itself, against what is true of it. */
export function compareProblem(
  row: { readonly details: string | null },
  { facts, abouts, about, item }: Problem,
  names: Names,
): Difference | null {
  const said = row.details === null ? {} : (JSON.parse(row.details) as Record<string, unknown>);
  const able = abouts ?? (about === undefined ? [] : [about]);
  if (typeof said.account === 'string' && able.length > 0 && !able.includes(said.account)) {
    return { field: 'details.account', said: said.account, expected: `one of ${able.join()}` };
  }
  if (item !== undefined && !(typeof said.param === 'string' && `${said.param}/`.startsWith(`${item}/`))) {
    return { field: 'details.param', said: show(said.param), expected: `${item}/…` };
  }
  return compareDetails(row, { details: facts }, names);
}

function spelled(state: ParentState, names: Names): Record<string, unknown> {
  const sums = (by: ReadonlyMap<number, bigint>): Record<string, string> =>
    Object.fromEntries([...by].map(([currency, sum]) => [names.currencyCode(currency), sum.toString()]));
  return {
    status: state.status,
    captured: sums(state.captured),
    remaining: sums(state.remaining),
    released: sums(state.released),
    reversed: sums(state.reversed),
  };
}
