/** Every schema by the name that it has in the OpenAPI document. */
import type { Static } from 'typebox';
import * as requests from './requests.js';
import * as responses from './responses.js';

export { QUERIES, type QueryName } from './queries.js';

const { ...sent } = requests;
// Parts of others, without a name of their own.
const { Status: _status, Kind: _kind, ...answered } = responses;

export const SCHEMAS = { ...sent, ...answered } as const;

export type SchemaName = keyof typeof SCHEMAS;

/** A body as TypeScript sees it: `Body<'Transaction'>`. */
export type Body<N extends SchemaName> = Static<(typeof SCHEMAS)[N]>;
