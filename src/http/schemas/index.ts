/** Every schema by the name that it has in the OpenAPI document. */
import type { TSchema } from 'typebox';
import * as requests from './requests.js';
import * as responses from './responses.js';

export { QUERIES, type QueryName } from './queries.js';
export type { AccountBody, EntryBody, ProblemBody, TransactionBody } from './responses.js';

const { Status: _status, Kind: _kind, ...bodies } = responses;

export const SCHEMAS = { ...requests, ...bodies } as const;

export type SchemaName = keyof typeof SCHEMAS;

export function schemaOf(name: SchemaName): TSchema {
  return SCHEMAS[name];
}
