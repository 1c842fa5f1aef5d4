/** Query parameters of reads. */
import Type from 'typebox';
import { LIMIT_DEFAULT, LIMIT_MAX } from '../parse/query.js';
import { AccountName, Reference, Time } from './common.js';
import { Status } from './responses.js';

const page = {
  limit: Type.Integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT }),
  cursor: Type.String({ minLength: 1, maxLength: 512, description: 'The `next_cursor` of an earlier answer.' }),
};
const span = { from: Time, to: Time };

/** By name of the parameter. `metadata` is of the style deepObject: `metadata[key]=value`. */
export const QUERIES = {
  transactions: {
    account: AccountName,
    reference: Reference,
    status: Status,
    metadata: Type.Record(Type.String(), Type.String(), {
      maxProperties: 1,
      description: '`metadata[key]=value`: a member of the metadata, compared as text.',
    }),
    ...span,
    ...page,
  },
  accounts: { prefix: Type.String({ maxLength: 128, description: 'The beginning of the name.' }), ...page },
  account: {
    at: Type.String({ format: 'date-time', description: 'As recorded up to then. Not with `as_of`.' }),
    as_of: Type.String({
      format: 'date-time',
      description: 'By effective time up to then, `posted` only. Not with `at`.',
    }),
  },
  entries: {
    kind: Type.Literal('posted', { description: 'Only records that change what is posted.' }),
    ...span,
    ...page,
  },
} as const;

export type QueryName = keyof typeof QUERIES;
