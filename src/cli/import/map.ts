/** Reads a mapping file and makes of it what turns lines into transactions. */
import { existsSync, readFileSync } from 'node:fs';
import { Value } from 'typebox/value';
import { currencyByCode } from '../../ledger/currency.js';
import { firstMistake } from '../../platform/config/mistake.js';
import { contentOf } from '../../platform/config/yaml.js';
import { ConfigError, messageOf } from '../../platform/errors.js';
import { minorUnits } from './amount.js';
import { dateReader } from './date.js';
import type { ImportMap } from './map-schema.js';
import { ImportMapSchema } from './map-schema.js';
import type { Line, Template } from './template.js';
import { columnIndex, compileTemplate } from './template.js';

/** One transaction, ready to be sent. */
export interface Item {
  readonly key: string;
  /** The accounts whose lines must stay in order: all but those without a lower limit by their name. */
  readonly ordered: readonly string[];
  /** The item of the batch, as JSON. */
  readonly json: string;
}

/** The line cannot become a transaction; the message says why. */
export class LineRejected extends Error {}

/** @throws ConfigError with one line */
export function readMap(file: string): ImportMap {
  if (!existsSync(file)) throw new ConfigError(`${file}: there is no such file`);
  let content: unknown;
  try {
    content = contentOf(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(`${file}: ${messageOf(error).split('\n')[0] ?? ''}`);
  }
  const mistake = firstMistake(ImportMapSchema, content);
  if (mistake !== null) throw new ConfigError(`${file}: ${mistake}`);
  const map = Value.Default(ImportMapSchema, content) as ImportMap;
  if (!map.csv.header && map.csv.columns === undefined) {
    throw new ConfigError(`${file}: csv.columns: is missing; must name the columns where csv.header is false`);
  }
  return map;
}

/**
 * @param columns of the file
 * @returns what makes a line's item, throwing {@link LineRejected}
 * @throws ConfigError where the mapping names columns that the file does not have
 */
export function compileMap(map: ImportMap, columns: readonly string[]): (line: Line) => Item {
  const compile = (text: string, at: string): Template => compileTemplate(text, columns, at);
  const optional = (text: string | undefined, at: string): Template | null =>
    text === undefined ? null : compile(text, at);
  const key = compile(map.idempotency_key, 'idempotency_key');
  const legOf = compileLeg(map, compile);
  const rules = map.rules.map((rule, index) => compileRule(rule, columns, compile, `rules[${index}]`));
  const effectiveAt = compileDate(map, compile);
  const reference = optional(map.reference, 'reference');
  const description = optional(map.description, 'description');
  const metadata = Object.entries(map.metadata ?? {}).map(([name, text]) => ({
    name,
    value: compile(text, `metadata.${name}`),
  }));
  const settingsOf = settingsByPrefix(map);
  return (line) => {
    if (line.length !== columns.length) {
      throw new LineRejected(`the line has ${line.length} fields, must have ${columns.length}`);
    }
    const rule = rules.find(({ fits }) => fits(line));
    if (rule === undefined) throw new LineRejected('no rule fits the line');
    const leg = legOf(line, rule.debit(line), rule.credit(line));
    const item = {
      idempotency_key: keyOf(key(line)),
      legs: [leg],
      open_accounts: { [leg.debit]: settingsOf(leg.debit), [leg.credit]: settingsOf(leg.credit) },
      ...(effectiveAt === null ? {} : { effective_at: effectiveAt(line) }),
      ...textOf('reference', reference, line),
      ...textOf('description', description, line),
      ...metadataOf(metadata, line),
    };
    const ordered = [leg.debit, leg.credit].filter((name) => !name.startsWith('external/'));
    return { key: item.idempotency_key, ordered, json: JSON.stringify(item) };
  };
}

type Compile = (text: string, at: string) => Template;

function compileRule(rule: ImportMap['rules'][number], columns: readonly string[], compile: Compile, at: string) {
  const conditions = Object.entries(rule.when).map(([column, values]) => ({
    index: columnIndex(column, columns, `${at}.when`),
    values: new Set(typeof values === 'string' ? [values] : values),
  }));
  return {
    // Blanks around a value mean nothing: a column of blanks is an empty one.
    fits: (line: Line) => conditions.every(({ index, values }) => values.has((line[index] ?? '').trim())),
    debit: compile(rule.debit, `${at}.debit`),
    credit: compile(rule.credit, `${at}.credit`),
  };
}

function compileLeg(map: ImportMap, compile: Compile) {
  const amountOf = compile(map.amount.value, 'amount.value');
  const currencyOf = compile(map.currency, 'currency');
  const format = { decimalMark: map.amount.decimal_mark, groupMark: map.amount.group_mark };
  return (line: Line, from: string, to: string) => {
    const currency = currencyOf(line);
    const decimals = map.amount.decimals ?? currencyByCode(currency)?.exponent;
    if (decimals === undefined)
      throw new LineRejected(`currency "${currency}" is not of ISO 4217: amount.decimals must say its decimals`);
    const amount = rejecting(() => minorUnits(amountOf(line), decimals, format));
    if (amount === 0n) throw new LineRejected('the amount is zero');
    if (amount < 0n && map.amount.negative === 'reject') throw new LineRejected('the amount is negative');
    const [debit, credit] = amount < 0n ? [to, from] : [from, to];
    return { debit, credit, amount: String(amount < 0n ? -amount : amount), currency };
  };
}

function compileDate(map: ImportMap, compile: Compile): Template | null {
  const settings = map.effective_at;
  if (settings === undefined) return null;
  const value = compile(settings.value, 'effective_at.value');
  let read: (text: string) => string;
  try {
    read = dateReader(settings);
  } catch (error) {
    throw new ConfigError(`effective_at.format: ${messageOf(error)}`);
  }
  return (line) => rejecting(() => read(value(line)));
}

/** Settings of a new account by the longest beginning that fits its name. */
function settingsByPrefix(map: ImportMap): (name: string) => object {
  const byLength = Object.entries(map.open_accounts).sort(([a], [b]) => b.length - a.length);
  return (name) => byLength.find(([prefix]) => name.startsWith(prefix))?.[1] ?? {};
}

function keyOf(key: string): string {
  // Refused here, since one such key makes the engine refuse the whole batch.
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    throw new LineRejected('the idempotency key is not 1 to 255 printable ASCII characters');
  return key;
}

function textOf(name: string, template: Template | null, line: Line): object {
  const text = template?.(line).trim() ?? '';
  return text === '' ? {} : { [name]: text };
}

function metadataOf(templates: readonly { readonly name: string; readonly value: Template }[], line: Line): object {
  const values = templates
    .map(({ name, value }) => [name, value(line).trim()] as const)
    .filter(([, value]) => value !== '');
  return values.length === 0 ? {} : { metadata: Object.fromEntries(values) };
}

/** Turns a reason (RangeError) into a rejection. */
function rejecting<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new LineRejected(error.message);
    throw error;
  }
}
