/**
 * The lock of a data folder: a bound Unix socket in it, `engine.sock`. Whoever listens there is the one engine that may
 * open anything in the folder; the same socket takes administrative requests, one JSON text a line each way.
 *
 * A socket whose process was killed refuses connections and is replaced. On Linux the replacing itself is guarded by a
 * socket in the abstract namespace, which dies with its process: two starts at once never both win.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AdminRequestError, DataFolderHeldError, EngineNotRunningError, messageOf } from './errors.js';

/** What the operating system takes as the path of a socket: 107 bytes on Linux, 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 103;
const SOCKET_NAME = 'engine.sock';
/** Names this folder as Millrace's own, and its guard in the abstract namespace, which others must not guess. */
const MARKER_NAME = 'engine.id';
const REQUEST_BYTES_MAX = 1 << 20;

/** `do` says what is asked, such as "keys.create"; the rest is that request's own. */
export interface AdminRequest {
  readonly do: string;
  readonly [field: string]: unknown;
}

/** Answers one request; what it throws becomes the caller's {@link AdminRequestError}. */
export type AdminHandler = (request: AdminRequest) => unknown;

export interface FolderLock {
  /** The folder, all links resolved. */
  readonly folder: string;
  /** Requests that come before this is called wait for it. */
  onRequest(handler: AdminHandler): void;
  /** Lets the folder go. */
  close(): Promise<void>;
}

/**
 * Takes the folder, making it (0700) where it does not exist.
 * @throws DataFolderHeldError where another engine has it
 */
export async function openLock(folder: string): Promise<FolderLock> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const real = realpathSync(folder);
  const held = new DataFolderHeldError(
    `another engine is running on ${folder}; stop it, or name another folder in data_dir`,
  );
  const guard = await openGuard(real, held);
  try {
    const handler = handlerLater();
    const callers = new Set<Socket>();
    const server = await bind(socketPath(real), callers, handler.wait, held);
    return {
      folder: real,
      onRequest: handler.set,
      close: async () => {
        for (const caller of callers) caller.destroy();
        await closeServer(server);
        if (guard !== null) await closeServer(guard);
      },
    };
  } catch (error) {
    if (guard !== null) await closeServer(guard);
    throw error;
  }
}

/** True if a lock was ever taken on this folder, so that what is in it is Millrace's. */
export function isDataFolder(folder: string): boolean {
  return existsSync(join(folder, MARKER_NAME));
}

/**
 * Asks the engine that runs on the folder.
 * @throws EngineNotRunningError where none does, AdminRequestError with the engine's own words where it refuses
 */
export async function callEngine(folder: string, request: AdminRequest): Promise<unknown> {
  const notRunning = new EngineNotRunningError(`no engine is running on ${folder}; start it with: millrace serve`);
  if (!existsSync(folder)) throw notRunning;
  const socket = await dial(socketPath(realpathSync(folder)));
  if (socket === null) throw notRunning;
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: socket })) {
      const answer = JSON.parse(line) as { readonly result?: unknown; readonly error?: string };
      if (answer.error !== undefined) throw new AdminRequestError(answer.error);
      return answer.result;
    }
  } finally {
    socket.destroy();
  }
  throw new EngineNotRunningError(`the engine on ${folder} went away before it answered`);
}

/** In the folder where its path is short enough, else under the temporary folder by a hash of it. */
function socketPath(folder: string): string {
  const inside = join(folder, SOCKET_NAME);
  if (Buffer.byteLength(inside) <= SOCKET_PATH_BYTES_MAX) return inside;
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 24);
  return join(privateTemporaryFolder(), `${hash}.sock`);
}

/**
 * A folder for sockets that only this user can enter.
 * @throws Error where somebody else has made one of that name
 */
export function privateTemporaryFolder(): string {
  const { uid } = userInfo();
  const folder = join(tmpdir(), `millrace-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) {
    throw new Error(`${folder} is not a private folder of this user; remove it, or use a data_dir with a shorter path`);
  }
  return folder;
}

async function openGuard(folder: string, held: Error): Promise<Server | null> {
  const secret = markerOf(folder);
  if (process.platform !== 'linux') return null;
  const guard = createServer((socket) => socket.destroy());
  guard.unref();
  return (await listen(guard, `\0millrace-${secret}`)) ? guard : Promise.reject(held);
}

/** The folder's marker, made where there is none; two makers at once end with the same one. */
function markerOf(folder: string): string {
  const file = join(folder, MARKER_NAME);
  if (!existsSync(file)) {
    // Linked into place when it is whole, so that nobody ever reads half of it.
    const draft = join(folder, `${MARKER_NAME}.${randomBytes(6).toString('hex')}`);
    writeFileSync(draft, randomBytes(16).toString('hex'), { mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
  }
  const text = readFileSync(file, 'utf8');
  // Empty after a power cut right after its making: then the folder's name has to do.
  return text === '' ? createHash('sha256').update(folder).digest('hex').slice(0, 32) : text;
}

async function bind(path: string, callers: Set<Socket>, handle: AdminHandler, held: Error): Promise<Server> {
  const server = createServer((socket) => {
    callers.add(socket.on('close', () => callers.delete(socket)));
    void serve(socket, handle);
  });
  server.unref();
  if (!(await listen(server, path))) {
    const other = await dial(path);
    other?.destroy();
    if (other !== null) throw held;
    // Nobody listens there any more. Renamed first: what is removed is then surely what was there.
    const dead = `${path}.${process.pid}.dead`;
    renameSync(path, dead);
    rmSync(dead);
    if (!(await listen(server, path))) throw held;
  }
  chmodSync(path, 0o600);
  return server;
}

/** @returns false if the address is in use */
function listen(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(path, () => {
      server.removeAllListeners('error');
      resolve(true);
    });
  });
}

/** @returns null if nobody listens */
function dial(path: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // A peer that goes away ends the conversation; its end is what is looked at.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(null);
      else reject(error);
    });
  });
}

async function serve(socket: Socket, handle: AdminHandler): Promise<void> {
  socket.on('error', () => undefined);
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > REQUEST_BYTES_MAX) socket.destroy();
  });
  for await (const line of createInterface({ input: socket })) {
    let answer: { readonly result: unknown } | { readonly error: string };
    try {
      answer = { result: (await handle(JSON.parse(line) as AdminRequest)) ?? null };
    } catch (error) {
      answer = { error: messageOf(error) };
    }
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
  }
}

function handlerLater(): { readonly set: (handler: AdminHandler) => void; readonly wait: AdminHandler } {
  let set: (handler: AdminHandler) => void = () => undefined;
  const first = new Promise<AdminHandler>((resolve) => {
    set = resolve;
  });
  return { set: (handler) => set(handler), wait: async (request) => (await first)(request) };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
