/** The files of a data folder beside the databases: the first key, the copy of the control log, and what is put there. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedServerError } from '../../platform/errors.js';
import { copyDurably, syncFolder } from '../../store/embedded/files.js';
import type { OtherFile } from './manifest.js';

/** Of this folder or of this run only: a restored folder has its own. */
const OWN = /^(engine\..*|postgres-at.*|restore-unfinished|.*\.draft)$/;

export async function copyOtherFiles(dataDir: string, target: string): Promise<readonly OtherFile[]> {
  mkdirSync(target, { mode: 0o700 });
  const files: OtherFile[] = [];
  for (const entry of readdirSync(dataDir, { withFileTypes: true })) {
    if (!entry.isFile() || OWN.test(entry.name)) continue;
    const mode = statSync(join(dataDir, entry.name)).mode & 0o777;
    const copied = await copyDurably(join(dataDir, entry.name), join(target, entry.name), 0o600);
    files.push({ path: entry.name, mode, ...copied });
  }
  syncFolder(target);
  return files;
}

export async function restoreOtherFiles(source: string, files: readonly OtherFile[], dataDir: string): Promise<void> {
  for (const { path, mode, bytes, sha256 } of files) {
    const from = join(source, path);
    if (!existsSync(from)) throw new EmbeddedServerError(`the backup is damaged: ${from} is missing`);
    const copied = await copyDurably(from, join(dataDir, path), mode);
    if (copied.bytes !== bytes || copied.sha256 !== sha256) {
      throw new EmbeddedServerError(`the backup is damaged: ${from} is not what it was`);
    }
  }
  syncFolder(dataDir);
}
