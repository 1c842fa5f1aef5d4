import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { MAIN } from '../support/program.js';

const MISTAKES = [
  // Cut off at the letter it would be 1, and every older backup would go.
  ['backup', '--keep', '1o', 'an integer from 1 to 1000000'],
  ['backup', '--keep', '0', 'an integer from 1 to 1000000'],
  ['import', '--batch', '9000', 'an integer from 1 to 8192'],
  ['import', '--lanes', '0', 'an integer from 1 to 64'],
  ['bench', '--batch', '1e3', 'an integer from 1 to 8192'],
  ['bench', '--duration', '-5', 'an integer from 1 to 86400'],
  // Nobody would ever answer there, and an import waits for an engine that is away.
  ['import', '--url', 'localhost:8080', 'one such as http://127.0.0.1:8080'],
] as const;

test.each(MISTAKES)(
  'millrace %s %s %s is a mistake in the command line, and nothing is begun',
  (command, option, value, right) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, command, option, value], {
      encoding: 'utf8',
    });
    expect(stderr).toContain(`argument '${value}' is invalid. It must be ${right}`);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  },
);
