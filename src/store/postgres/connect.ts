/** Connections to a server: what every one of them is set to, and what its errors mean. */
import pg from 'pg';
import { messageOf } from '../../platform/errors.js';
import { StoreUnavailableError, sqlState } from '../errors.js';
import { SCHEMA } from '../session.js';
import { PARSERS } from './types.js';

export interface ConnectOptions {
  /** postgres://…; a socket's folder percent-encoded in place of the host. */
  readonly url: string;
  /** @defaultValue "millrace" */
  readonly schema?: string;
  /** At most 63 bytes; how the connection is found among the server's sessions. */
  readonly applicationName: string;
  /** Settings of the session over the ones below. */
  readonly settings?: Readonly<Record<string, string>>;
  /** @defaultValue 10 s */
  readonly connectTimeoutMs?: number;
}

/** A peer that is gone is noticed within half a minute, so that what its session holds does not stay for hours. */
const SETTINGS: Readonly<Record<string, string>> = {
  timezone: 'UTC',
  datestyle: 'ISO',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  default_transaction_isolation: 'read committed',
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
};

const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    const parser = format === 'binary' ? undefined : PARSERS[oid];
    return parser ?? pg.types.getTypeParser(oid, format ?? 'text');
  }) as pg.CustomTypesConfig['getTypeParser'],
};

export function clientConfig(options: ConnectOptions): pg.ClientConfig {
  const settings = { ...SETTINGS, search_path: options.schema ?? SCHEMA, ...options.settings };
  const url = new URL(options.url);
  const own = url.searchParams.get('options');
  const words = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`);
  // What the operator's own URL says comes last and wins.
  url.searchParams.set('options', [...words, ...(own === null ? [] : [own])].join(' '));
  return {
    // URLSearchParams writes a space as "+", which the driver does not read as one.
    connectionString: url.href.replaceAll('+', '%20'),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  };
}

/**
 * Lost connections, servers that are starting or stopping, and servers that lack what they need (disk, memory, a free
 * connection, a file that can be read) are the store's absence; the rest is the server's word.
 */
export function asStoreError(error: unknown): Error {
  const state = sqlState(error);
  const away =
    state === undefined
      ? !(error instanceof pg.DatabaseError) && isConnectionError(error)
      : /^(08|53|57P|58)/.test(state);
  if (away) return new StoreUnavailableError(`the database is not reachable: ${messageOf(error)}`, { cause: error });
  return error instanceof Error ? error : new Error(messageOf(error));
}

/** Errors of the driver and the system, as opposed to mistakes of the caller (TypeError and its like). */
function isConnectionError(error: unknown): boolean {
  return error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError);
}
