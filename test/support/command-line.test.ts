import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { count, longCommand, positive, whole } from './command-line.js';

describe('the options of the long commands', () => {
  it('take numbers that mean something, and nothing else', () => {
    expect(positive('0.5')).toBe(0.5);
    expect(whole('0')).toBe(0);
    for (const text of ['', ' ', 'x', '0', '-1', 'NaN', 'Infinity'])
      expect(() => positive(text)).toThrow('A number above 0');
    for (const text of ['', 'x', '1.5', '-1', '9007199254740993']) expect(() => whole(text)).toThrow('A whole number');
    expect(count('12')).toBe(12);
    for (const text of ['0', '', 'x']) expect(() => count(text)).toThrow('A whole number from 1');
  });

  it('refuse what they do not know in a line that says where to look', () => {
    const told: string[] = [];
    const command = longCommand('torture', 'What it does.').option('--minutes <n>', 'how long', positive);
    command.exitOverride().configureOutput({ writeErr: (text) => told.push(text) });
    expect(() => command.parse(['--minuts', '3'], { from: 'user' })).toThrow();
    expect(() => command.parse(['--minutes', 'x'], { from: 'user' })).toThrow();
    expect(told.join('')).toContain("unknown option '--minuts'");
    expect(told.join('')).toContain("argument 'x' is invalid. A number above 0 is wanted");
    expect(told.join('')).toContain('--help says what there is');
    expect(command.helpInformation()).toContain('npm run torture -- ');
  });

  it.each(['fuzz', 'restart'])('%s says what there is, and starts nothing by mistake', (name) => {
    const run = (option: string) =>
      spawnSync(process.execPath, [`test/${name}/command.mjs`, option], { encoding: 'utf8' });
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining(`npm run ${name} -- `) });
    expect(run('--nonsense')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining("'--nonsense'") });
  });
});
