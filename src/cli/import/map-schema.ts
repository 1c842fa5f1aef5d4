/** The mapping file of an import: how a line of a CSV file becomes a transaction. */

import type { Static } from 'typebox';
import Type from 'typebox';

const CLOSED = { additionalProperties: false } as const;

/** `{column}` stands for the column's value; everything else stands for itself. */
const template = (description: string) =>
  Type.String({ minLength: 1, description, expected: 'a text such as "customer/{account_id}"' });
const oneCharacter = (value: string, description: string) =>
  Type.String({ minLength: 1, maxLength: 1, default: value, description, expected: 'one character' });
const word = <W extends string[]>(values: readonly [...W], value: W[number], description: string) =>
  Type.Enum(values, { default: value, description });

const Csv = Type.Object(
  {
    delimiter: oneCharacter(',', 'Between two fields.'),
    quote: Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 1 })], {
      default: '"',
      description: 'Around fields; doubled inside of one. null: fields are never quoted.',
      expected: 'one character, or null',
    }),
    encoding: word(['utf8', 'latin1', 'utf16le'], 'utf8', 'How characters are encoded.'),
    header: Type.Boolean({ default: true, description: 'Whether the first line names the columns.' }),
    columns: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: 'Names of the columns, where no line of the file has them.',
      }),
    ),
  },
  { ...CLOSED, default: {}, description: 'How the file is written.' },
);

const Amount = Type.Object(
  {
    value: template('The amount, such as "{amount}".'),
    decimals: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 18,
        description:
          "Decimal places of the currency. Default: as ISO 4217 says; the operator's own currencies need it.",
      }),
    ),
    decimal_mark: oneCharacter('.', 'Between whole units and their parts.'),
    group_mark: Type.Union([Type.Null(), Type.String({ minLength: 1, maxLength: 1 })], {
      default: null,
      description: 'Between groups of digits; null: none.',
      expected: 'one character, or null',
    }),
    negative: word(['reject', 'swap'], 'reject', 'swap: a negative amount goes the other way.'),
  },
  {
    ...CLOSED,
    description: 'How much. Converted to minor units exactly; what does not fit is rejected, never rounded.',
  },
);

const EffectiveAt = Type.Object(
  {
    value: template('The date, such as "{date}".'),
    format: Type.String({
      minLength: 1,
      default: 'YYYY-MM-DD',
      description: 'YYYY or YY, MM, DD, and where there are any HH, mm, ss; other characters stand for themselves.',
    }),
    century: Type.Integer({
      minimum: 1900,
      maximum: 2200,
      multipleOf: 100,
      default: 2000,
      description: 'The century of a year YY.',
    }),
    offset: Type.String({
      pattern: '^(Z|[+-][0-9]{2}:[0-9]{2})$',
      default: 'Z',
      description: 'Its distance from UTC.',
      expected: '"Z" or an offset such as "+01:00"',
    }),
  },
  { ...CLOSED, description: 'When the transaction counts.' },
);

const Rule = Type.Object(
  {
    when: Type.Record(Type.String(), Type.Union([Type.String(), Type.Array(Type.String())]), {
      default: {},
      description:
        'Values of columns, all of which must be so; a list stands for any of its values, "" for an empty one.',
      expected: 'values by column, such as { type: [VYDAJ, VYBER] }',
    }),
    debit: template('Account that the amount is taken from.'),
    credit: template('Account that it goes to.'),
  },
  CLOSED,
);

const limit = Type.Optional(
  Type.Union([Type.Null(), Type.Integer(), Type.String({ pattern: '^(0|-?[1-9][0-9]{0,18})$' })], {
    description: 'Minor units; null: no limit.',
    expected: 'null, or a whole number of minor units',
  }),
);
const OpenAccount = Type.Object(
  {
    min_balance: limit,
    max_balance: limit,
    normal_balance: Type.Optional(Type.Enum(['credit', 'debit'])),
  },
  CLOSED,
);

export const ImportMapSchema = Type.Object(
  {
    csv: Csv,
    idempotency_key: template(
      'The key of a line, made of what never changes about it, such as "bank-{trans_id}": no line is posted twice.',
    ),
    currency: template('Code of the currency.'),
    amount: Amount,
    rules: Type.Array(Rule, {
      minItems: 1,
      description: 'The first rule that fits a line gives its accounts; a line that none fits is rejected.',
    }),
    effective_at: Type.Optional(EffectiveAt),
    reference: Type.Optional(template('The reference.')),
    description: Type.Optional(template('The description.')),
    metadata: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'Templates by name; what is empty in a line is left out.',
        expected: 'templates by name, such as { bank: "{bank}" }',
      }),
    ),
    open_accounts: Type.Record(Type.String(), OpenAccount, {
      default: {},
      description:
        'What accounts are opened with at their first use, by how their names begin; the longest beginning counts. Others with defaults.',
      expected: 'settings by beginning of name, such as { customer/: { min_balance: null } }',
    }),
  },
  { ...CLOSED, title: 'Millrace import', description: 'How a line of a CSV file becomes a transaction.' },
);

export type ImportMap = Static<typeof ImportMapSchema>;
