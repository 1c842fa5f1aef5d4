/** Pieces that several schemas share. */
import Type from 'typebox';
import { DESCRIPTION_LENGTH_MAX, METADATA_BYTES_MAX, REFERENCE_LENGTH_MAX } from '../parse/fields.js';

const SAFE = Number.MAX_SAFE_INTEGER;

/** No field beyond those that are named. */
export const CLOSED = { additionalProperties: false } as const;

export const NAME_PATTERN = '^(?!\\.{1,2}(?:/|$))[A-Za-z0-9._:@+-]+(?:/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._:@+-]+)*$';
const DIGITS = '^[1-9][0-9]{0,18}$';
const SIGNED_DIGITS = '^(0|-?[1-9][0-9]{0,18})$';
const TIME_PATTERN =
  '^(19[7-9][0-9]|20[0-9]{2}|21[0-9]{2}|22[0-4][0-9]|225[0-4])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$';

export const AccountName = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: NAME_PATTERN,
  description:
    'No empty, `.` or `..` segment, no slash at either end. Names under `external/` default to no lower limit.',
  examples: ['customer/42/wallet'],
});

export const Currency = Type.String({
  minLength: 1,
  maxLength: 16,
  description: 'A code of ISO 4217, or one that the operator has configured.',
  examples: ['EUR'],
});

export const Amount = Type.Union([Type.Integer({ minimum: 1, maximum: SAFE }), Type.String({ pattern: DIGITS })], {
  description:
    'Minor units of the currency, 1 to 2^63−1: an integer up to 2^53−1, or a string of digits. Never a fraction or an exponent.',
});

export const SignedAmount = Type.Union(
  [Type.Integer({ minimum: -SAFE, maximum: SAFE }), Type.String({ pattern: SIGNED_DIGITS })],
  {
    description: 'Minor units of the currency within 64 bits: an integer within ±(2^53−1), or a string of digits.',
  },
);

export const Limit = Type.Union(
  [Type.Integer({ minimum: -SAFE, maximum: SAFE }), Type.String({ pattern: SIGNED_DIGITS }), Type.Null()],
  {
    description: 'Minor units of the currency within 64 bits; null for no limit.',
  },
);

/** As answers show amounts. */
export const ShownAmount = Type.Union(
  [Type.Integer({ minimum: -SAFE, maximum: SAFE }), Type.String({ pattern: SIGNED_DIGITS })],
  {
    description: 'Minor units of the currency: an integer up to ±(2^53−1), a string of digits beyond.',
  },
);

export const Sums = Type.Union(
  [
    Type.Integer({ minimum: 0, maximum: SAFE }),
    Type.String({ pattern: '^[0-9]+$' }),
    Type.Record(Type.String(), ShownAmount),
  ],
  {
    description: 'An amount where all legs have one currency, else an object of amounts by currency.',
  },
);

export const Time = Type.String({
  pattern: TIME_PATTERN,
  format: 'date-time',
  description: 'RFC 3339, UTC or with an offset, at most six digits of a second, from 1970 to 2254.',
  examples: ['2026-11-21T10:17:03.123456Z'],
});

export const Reference = Type.String({ minLength: 1, maxLength: REFERENCE_LENGTH_MAX });
const Description = Type.String({ maxLength: DESCRIPTION_LENGTH_MAX });

export const Metadata = Type.Record(Type.String(), Type.Unknown(), {
  description: `An object of strings, integers, booleans, null, and arrays and objects of them; at most ${METADATA_BYTES_MAX} bytes as JSON. The whole body is at most eight objects and arrays deep.`,
});

export const NormalBalance = Type.Union([Type.Literal('credit'), Type.Literal('debit')], {
  description: 'Which side the account is shown with as positive, and its limits guard.',
});

export const IdempotencyKey = Type.String({ minLength: 1, maxLength: 255, pattern: '^[\\x20-\\x7e]+$' });

export const Version = Type.Integer({ minimum: 0, maximum: SAFE });
export const Sequence = Type.Integer({
  minimum: 0,
  maximum: SAFE,
  description: "The place in the merchant's own gapless order of records.",
});

export const Texts = {
  reference: Type.Optional(Reference),
  description: Type.Optional(Description),
  metadata: Type.Optional(Metadata),
};
