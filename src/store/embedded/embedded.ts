/** placeholder, filled in next */
import type { Log } from '../../platform/log.js';

export interface EmbeddedOptions {
  /** The engine's data folder, held by its lock. */
  readonly folder: string;
  /** One server for each, such as "shard-0". */
  readonly names: readonly string[];
  /** Settings of Postgres over the default ones. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly log: Log;
}

export interface EmbeddedServers {
  /** A URL for `pg`, by name. */
  readonly urls: Readonly<Record<string, string>>;
  /** Stops all servers: fast shutdown, waits until they are gone. */
  stop(): Promise<void>;
}

export async function startEmbedded(_options: EmbeddedOptions): Promise<EmbeddedServers> {
  throw new Error('not there yet');
}
