/** {@link Sql} across threads: one thread holds the database, others ask it over a MessagePort. */
import type { MessagePort } from 'node:worker_threads';
import { messageOf } from '../platform/errors.js';
import { StoreUnavailableError } from './errors.js';
import type { Sql, SqlRow, SqlValue } from './sql.js';

type Request =
  | { readonly id: number; readonly text: string; readonly values: readonly SqlValue[] | undefined }
  | { readonly id: number; readonly copyOut: string };

type Reply =
  | { readonly id: number; readonly rows: readonly SqlRow[] }
  | { readonly id: number; readonly bytes: Uint8Array }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string | undefined } };

/** The asking side. Owns the port: `close` closes it. */
export function createPortSql(port: MessagePort): Sql {
  const waiting = new Map<
    number,
    { resolve(reply: Exclude<Reply, { error: unknown }>): void; reject(error: Error): void }
  >();
  let lastId = 0;
  let closed = false;
  port.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    // A thread with nothing to wait for may end.
    if (waiting.size === 0) port.unref();
    if (asked === undefined) return;
    if ('error' in reply) asked.reject(errorOf(reply.error));
    else asked.resolve(reply);
  });
  port.on('close', () => {
    closed = true;
    for (const { reject } of waiting.values()) reject(gone());
    waiting.clear();
  });
  port.unref();
  const ask = (
    request: { readonly text: string; readonly values: readonly SqlValue[] | undefined } | { readonly copyOut: string },
  ) =>
    new Promise<Exclude<Reply, { error: unknown }>>((resolve, reject) => {
      if (closed) return reject(gone());
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      port.ref();
      port.postMessage({ id, ...request } satisfies Request);
    });
  return {
    query: async (text, values) => {
      const reply = await ask({ text, values });
      return 'rows' in reply ? reply.rows : [];
    },
    copyOut: async (query) => {
      const reply = await ask({ copyOut: query });
      return 'bytes' in reply
        ? Buffer.from(reply.bytes.buffer, reply.bytes.byteOffset, reply.bytes.length)
        : Buffer.alloc(0);
    },
    close: async () => {
      port.close();
    },
  };
}

/** The answering side: every request that arrives on the port goes to `sql`. Ends when the port closes. */
export function servePortSql(port: MessagePort, sql: Sql): void {
  port.on('message', (request: Request) => {
    const { id } = request;
    const answer: Promise<Reply> =
      'copyOut' in request
        ? sql.copyOut(request.copyOut).then((bytes) => ({ id, bytes }))
        : sql.query(request.text, request.values).then((rows) => ({ id, rows }));
    answer.then(
      (reply) => port.postMessage(reply),
      (error: unknown) =>
        port.postMessage({ id, error: { message: messageOf(error), code: codeOf(error) } } satisfies Reply),
    );
  });
}

const gone = (): Error => new StoreUnavailableError('the thread that holds the database has gone');

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** Errors lose their class on the way; the code says what they were. */
function errorOf({ message, code }: { readonly message: string; readonly code: string | undefined }): Error {
  if (code === 'MR_STORE_UNAVAILABLE') return new StoreUnavailableError(message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
