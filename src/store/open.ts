/** Opens a shard's database, whatever it is. */
import type { PgliteStoreOptions } from './pglite/store.js';
import { createPgliteStore } from './pglite/store.js';
import type { PostgresStoreOptions } from './postgres/store.js';
import { createPostgresStore } from './postgres/store.js';
import type { ShardStore } from './shard-store.js';

/** Where a shard's database is. */
export type ShardPlace =
  | { readonly kind: 'postgres'; readonly url: string }
  /** A folder that PGlite opens, in the thread that asks. */
  | { readonly kind: 'pglite'; readonly folder: string };

export type OpenShardOptions = { readonly place: ShardPlace } & Omit<PostgresStoreOptions, 'url'> &
  Omit<PgliteStoreOptions, 'folder'>;

/** Opens nothing before `acquire`. */
export function openShardStore({ place, ...options }: OpenShardOptions): ShardStore {
  if (place.kind === 'pglite') return createPgliteStore({ ...options, folder: place.folder });
  return createPostgresStore({ ...options, url: place.url });
}
