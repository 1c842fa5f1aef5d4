/** A {@link Session} on a PGlite database in this thread. */
import type { PGlite, Transaction } from '@electric-sql/pglite';
import type { Session } from '../session.js';
import { copyOutOfPglite, queryPglite } from './sql.js';

export function pgliteSession(database: PGlite): Session {
  return {
    ...statements(database),
    transaction: (work) =>
      database.transaction((tx) =>
        work({ ...statements(tx), transaction: () => Promise.reject(new Error('transactions do not nest')) }),
      ),
  };
}

function statements(database: PGlite | Transaction): Pick<Session, 'query' | 'exec' | 'copyOut'> {
  return {
    query: (text, values) => queryPglite(database, text, values),
    exec: async (text) => {
      await database.exec(text);
    },
    copyOut: (text) => copyOutOfPglite(database, text),
  };
}
