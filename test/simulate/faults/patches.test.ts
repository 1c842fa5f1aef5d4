import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, describe, expect, test } from 'vitest';
import { type Fault, patched } from './fault.js';
import { FAULTS } from './list/index.js';

const sourceOf = (file: string): string => readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');

const folder = mkdtempSync(join(tmpdir(), 'millrace-faults-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What Node says of the module, which knows of private names that their class has not; empty where it would load. */
function syntaxErrors(text: string): string {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  const file = join(folder, 'changed.mjs');
  writeFileSync(file, outputText);
  return spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' }).stderr;
}

describe('the planted faults', () => {
  test('are at least 25, each with a name of its own', () => {
    expect(FAULTS.length).toBeGreaterThanOrEqual(25);
    expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
  });

  test.each(FAULTS.filter(({ patches }) => patches.length > 0))(
    '"$name" changes words that stand once in the sources, and leaves a program',
    (fault) => {
      for (const file of new Set(fault.patches.map((patch) => patch.file))) {
        const source = sourceOf(file);
        const changed = patched(fault, file, source);
        expect(changed).not.toBe(source);
        expect(syntaxErrors(changed)).toBe('');
      }
    },
  );

  test('a text that is not there, or stands there twice, is no fault but a mistake', () => {
    const fault = (find: string): Fault => ({
      name: 'f',
      breaks: '',
      patches: [{ file: 'a.ts', find, replace: 'x' }],
    });
    expect(() => patched(fault('b'), 'a.ts', 'a')).toThrow('stands 0 times in a.ts');
    expect(() => patched(fault('a'), 'a.ts', 'a a')).toThrow('stands 2 times in a.ts');
    expect(patched(fault('a'), 'a.ts', 'a b')).toBe('x b');
    expect(patched(fault('a'), 'other.ts', 'a a')).toBe('a a');
  });
});
