/** Where the built program is, also for tests that were built themselves. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function packageFolder(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : packageFolder(dirname(from));
}

export const MAIN = join(packageFolder(import.meta.dirname), 'dist/cli/main.js');
