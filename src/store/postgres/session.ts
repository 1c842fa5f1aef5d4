/** A {@link Session} on one connection to a server. */
import pg from 'pg';
import type { Session } from '../session.js';
import type { SqlRow, SqlValue } from '../sql.js';
import type { ConnectOptions } from './connect.js';
import { asStoreError, clientConfig } from './connect.js';
import { CopyOuts } from './copy-out.js';

const CLOSE_MS = 1_000;

export interface PgSession extends Session {
  /** Process id of the server's side. */
  readonly backendPid: number;
  /** True once the connection is lost or closed; it never comes back. */
  readonly ended: boolean;
  /** Runs once, when the connection is lost or closed. */
  onEnd(callback: () => void): void;
  /** Ends the session in an orderly way. */
  close(): Promise<void>;
  /** Cuts the connection: what is under way fails here, and on the server when it notices. */
  destroy(): void;
}

/** @throws StoreUnavailableError */
export async function connectSession(options: ConnectOptions): Promise<PgSession> {
  const client = new pg.Client(clientConfig(options));
  const session = sessionOf(client);
  try {
    await client.connect();
  } catch (error) {
    session.destroy();
    throw asStoreError(error);
  }
  return session;
}

/** For a client that is connected, or will be. */
export function sessionOf(client: pg.Client): PgSession {
  let ended = false;
  const callbacks: (() => void)[] = [];
  const end = (): void => {
    if (ended) return;
    ended = true;
    for (const callback of callbacks) callback();
  };
  client.on('error', end);
  client.on('end', end);
  const query = async (text: string, values?: readonly SqlValue[]): Promise<readonly SqlRow[]> => {
    try {
      return (await client.query<SqlRow>(text, values === undefined ? undefined : [...values])).rows;
    } catch (error) {
      throw asStoreError(error);
    }
  };
  const exec = async (text: string): Promise<void> => {
    await query(text);
  };
  const copies = new CopyOuts();
  const session: PgSession = {
    get backendPid() {
      return (client as unknown as { readonly processID: number }).processID;
    },
    get ended() {
      return ended;
    },
    query,
    exec,
    transaction: async (work) => {
      await exec('BEGIN');
      try {
        const result = await work(session);
        await exec('COMMIT');
        return result;
      } catch (error) {
        await exec('ROLLBACK').catch(() => undefined);
        throw error;
      }
    },
    copyOut: (text) => copies.read(client, text),
    onEnd: (callback) => {
      if (ended) callback();
      else callbacks.push(callback);
    },
    close: async () => {
      if (ended) return;
      // The server closes its side when all that the session held is let go. One that does not answer is not waited for.
      const late = setTimeout(() => session.destroy(), CLOSE_MS);
      await client.end().catch(() => undefined);
      clearTimeout(late);
      end();
    },
    destroy: () => {
      end();
      (
        client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }
      ).connection.stream.destroy();
    },
  };
  return session;
}
