/**
 * Where the embedded servers' data lies and who runs them. Postgres does not run as root: a root engine runs it as user
 * `postgres`, who must be able to enter the folders. What is not Millrace's own is never changed.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { EmbeddedServerError, messageOf } from '../../platform/errors.js';
import type { Log } from '../../platform/log.js';
import type { Binaries } from './binaries.js';
import { copyBinaries, findBinaries, hasLinks } from './binaries.js';
import { writeWhole } from './files.js';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface Place {
  /** Holds a folder for each server. */
  readonly folder: string;
  /** Whom the servers run as; null: as this process. */
  readonly user: User | null;
  readonly binaries: Binaries;
  /** For what does not fit into the data folder; made when it is needed. */
  readonly sharedFolder: string;
}

/** Where a root engine keeps what user postgres cannot reach otherwise. */
export const SHARED_FOLDER = '/var/lib/millrace';
const POINTER_NAME = 'postgres-at';
/** All that an engine puts into its data folder before the servers run. */
const OWN_NAMES = /^(engine\..*|keys\.json.*|dev-key.*|postgres|postgres-at.*|pglite|restore-unfinished)$/;

export async function findPlace(folder: string, sharedFolder: string, log: Log): Promise<Place> {
  const found = findBinaries();
  if (userInfo().uid !== 0) {
    const own = join(folder, 'postgres');
    if (existsSync(join(folder, POINTER_NAME))) {
      throw new EmbeddedServerError(
        `${folder} was made by a root engine and its data lies elsewhere; run as root again`,
      );
    }
    mkdirSync(own, { recursive: true, mode: 0o700 });
    const binaries = hasLinks(found) ? found : await copyBinaries(found, folder);
    return { folder: own, user: null, binaries, sharedFolder };
  }
  const existing = placeOf(folder);
  const user = existing === null ? await postgresUser() : ownerOf(existing, await postgresUser());
  const data = existing === null ? makePlace(folder, sharedFolder, user) : makeFolder(existing, user);
  if (!canReach(data, user)) {
    throw new EmbeddedServerError(
      `${data} cannot be entered by the user that runs Postgres (uid ${user.uid}); move it back to where it was`,
    );
  }
  if (!data.startsWith(folder)) log.info(`the data lies in ${data}: user postgres cannot enter ${folder}`);
  const reachable = hasLinks(found) && canReach(found.postgres, user);
  const binaries = reachable ? found : await copyBinaries(found, sharedFolder);
  return { folder: data, user, binaries, sharedFolder };
}

/** Where the data of earlier starts lies, or null. */
export function placeOf(folder: string): string | null {
  const pointer = join(folder, POINTER_NAME);
  if (existsSync(pointer)) return readFileSync(pointer, 'utf8').trim();
  const inside = join(folder, 'postgres');
  return existsSync(inside) ? inside : null;
}

/** A first start: inside the data folder if user postgres can get there, else under the shared folder. */
function makePlace(folder: string, sharedFolder: string, user: User): string {
  if (canReach(dirname(folder), user)) {
    // The data folder is 0700: it changes hands, which is Millrace's to do only where all of it is Millrace's.
    const ours = statSync(folder).uid === 0 && readdirSync(folder).every((name) => OWN_NAMES.test(name));
    if (!canReach(folder, user) && ours) chownSync(folder, user.uid, user.gid);
  }
  if (canReach(folder, user)) return makeFolder(join(folder, 'postgres'), user);
  mkdirSync(sharedFolder, { recursive: true, mode: 0o755 });
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 12);
  const elsewhere = join(sharedFolder, `${hash}-${randomBytes(4).toString('hex')}`);
  if (!canReach(sharedFolder, user)) {
    throw new EmbeddedServerError(
      `user postgres can enter neither ${folder} nor ${sharedFolder}; name another data_dir`,
    );
  }
  makeFolder(elsewhere, user);
  // On the disk before the first posting is: without it the next start would make a new ledger.
  writeWhole(join(folder, POINTER_NAME), `${elsewhere}\n`, null);
  return elsewhere;
}

/** Makes a private folder of the user that runs Postgres, where there is none. */
export function makeFolder(folder: string, user: User | null): string {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  // Also where an earlier start was killed between the two.
  if (user !== null && statSync(folder).uid === 0) chownSync(folder, user.uid, user.gid);
  return folder;
}

/** Data made by an engine that did not run as root stays that user's. */
function ownerOf(folder: string, fallback: User): User {
  if (!existsSync(folder)) {
    throw new EmbeddedServerError(`${folder} holds the data of this engine and is not there`);
  }
  const { uid, gid } = statSync(folder);
  return uid === 0 ? fallback : { uid, gid };
}

/** Whether mode bits let the user through all folders on the way, and into or onto the last one. */
export function canReach(path: string, user: User): boolean {
  for (let at = path; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

const run = promisify(execFile);

/** User `postgres`, made where there is none. */
async function postgresUser(): Promise<User> {
  const known = await lookUp();
  if (known !== null) return known;
  try {
    await run('groupadd', ['--system', 'postgres']).catch(() => undefined);
    await run('useradd', [
      '--system',
      '--gid',
      'postgres',
      '--no-create-home',
      '--shell',
      '/usr/sbin/nologin',
      'postgres',
    ]);
  } catch (error) {
    throw new EmbeddedServerError(
      `Postgres does not run as root, and user postgres cannot be made (${messageOf(error).split('\n')[0] ?? ''}); make it, or start as another user`,
    );
  }
  const made = await lookUp();
  if (made === null) throw new EmbeddedServerError('user postgres was made and cannot be found; start as another user');
  return made;
}

async function lookUp(): Promise<User | null> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    return null;
  }
}
