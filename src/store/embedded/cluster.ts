/** The files of one server: made once by initdb, whole or not at all. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedServerError, messageOf } from '../../platform/errors.js';
import { privateTemporaryFolder } from '../../platform/lock.js';
import { syncFolder } from './files.js';
import type { Place } from './place.js';
import { makeFolder } from './place.js';

/** Role and database of every embedded server. */
const ROLE = 'millrace';
export const DATABASE = 'millrace';
/** Part of the socket's name; nothing listens on it. */
const PORT = 5432;
const SOCKET_PATH_BYTES_MAX = 103;

export interface Cluster {
  readonly name: string;
  /** Holds all of it. */
  readonly home: string;
  /** Postgres' data directory. */
  readonly data: string;
  /** Where the socket is. */
  readonly socketFolder: string;
  readonly logFile: string;
}

const run = promisify(execFile);

/** Environment of the programs: the machine's own settings must not reach them. */
export const programEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Makes the cluster where there is none, and who may enter it. */
export async function openCluster(place: Place, name: string): Promise<Cluster> {
  const home = makeFolder(join(place.folder, name), place.user);
  const cluster: Cluster = {
    name,
    home,
    data: join(home, 'data'),
    socketFolder: makeSocketFolder(home, place),
    logFile: join(home, 'log'),
  };
  if (!existsSync(cluster.data)) await initialise(cluster, place);
  const version = readFileSync(join(cluster.data, 'PG_VERSION'), 'utf8').trim();
  if (version !== place.binaries.major) {
    throw new EmbeddedServerError(
      `${cluster.data} was made by Postgres ${version} and this is ${place.binaries.major}; go back to the Millrace that made it, or upgrade it with pg_upgrade`,
    );
  }
  writeOwned(join(cluster.data, 'pg_ident.conf'), identMap(), place);
  return cluster;
}

async function initialise(cluster: Cluster, place: Place): Promise<void> {
  for (const name of readdirSync(cluster.home)) {
    // Left by a start that was killed half-way.
    if (name.startsWith('data.new')) rmSync(join(cluster.home, name), { recursive: true });
  }
  const draft = makeFolder(join(cluster.home, 'data.new'), place.user);
  const options = [
    '-D',
    draft,
    '-U',
    ROLE,
    '-E',
    'UTF8',
    '--locale=C',
    '--data-checksums',
    '--auth=reject',
    '--no-instructions',
  ];
  try {
    await run(place.binaries.initdb, options, { ...place.user, cwd: cluster.home, env: programEnv });
  } catch (error) {
    const said = (error as { readonly stderr?: string }).stderr?.trim();
    throw new EmbeddedServerError(
      `initdb failed for ${cluster.name}: ${said === undefined || said === '' ? messageOf(error) : said}`,
    );
  }
  writeOwned(join(draft, 'pg_hba.conf'), `# Written by Millrace.\nlocal all ${ROLE} peer map=${ROLE}\n`, place);
  renameSync(draft, cluster.data);
  // A start that does not find it makes another, and removes this one as a draft.
  syncFolder(cluster.home);
}

/** Who the kernel says is calling: this engine's user and the server's own are let in, nobody else. */
function identMap(): string {
  const names = new Set([userInfo().username, 'postgres']);
  return `# Written by Millrace at each start.\n${[...names].map((name) => `${ROLE} "${name}" ${ROLE}\n`).join('')}`;
}

/** A private file of the server's. */
export function writeOwned(file: string, text: string, place: Place): void {
  // Made anew: the folder is the server's, and a link in it must not lead a root engine elsewhere.
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  if (place.user !== null) chownSync(file, place.user.uid, place.user.gid);
}

/** Made where it is missing. */
function makeSocketFolder(home: string, place: Place): string {
  const folder = socketFolderOf(home, place.user !== null, place.sharedFolder);
  if (folder === home) return home;
  if (place.user === null) return makeFolder(folder, null);
  mkdirSync(place.sharedFolder, { recursive: true, mode: 0o755 });
  makeFolder(folder, place.user);
  if (statSync(folder).uid !== place.user.uid)
    throw new EmbeddedServerError(`${folder} belongs to another user; remove it`);
  return folder;
}

/** In the server's own folder where the path is short enough for a socket, else in another private one. */
export function socketFolderOf(home: string, isRoot: boolean, sharedFolder: string): string {
  if (Buffer.byteLength(join(home, `.s.PGSQL.${PORT}`)) <= SOCKET_PATH_BYTES_MAX) return home;
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16);
  return isRoot ? join(sharedFolder, `run-${hash}`) : join(privateTemporaryFolder(), hash);
}

/** Whose number Postgres believes to be that of a server at the socket. */
export const socketLockOf = ({ socketFolder }: Pick<Cluster, 'socketFolder'>): string =>
  join(socketFolder, `.s.PGSQL.${PORT}.lock`);

/** A URL that `pg`, libpq and WHATWG URL all understand. */
export const urlOf = ({ socketFolder }: Pick<Cluster, 'socketFolder'>, database = DATABASE): string =>
  `postgres://${ROLE}@${encodeURIComponent(socketFolder)}:${PORT}/${database}`;
