/** Module hooks of a simulator with a fault: the modules that it changes are made from their sources, changed. */
import { readFile } from 'node:fs/promises';
import ts from 'typescript';
import { type Fault, patched } from './fault.js';

interface Planting {
  readonly fault: Fault;
  /** Where sources are, and where they were compiled to; URLs that end in a slash. */
  readonly sources: string;
  readonly build: string;
}

type Load = (url: string, context: object, next: Load) => Promise<Loaded> | Loaded;
interface Loaded {
  readonly format: string;
  readonly source: string;
  readonly shortCircuit?: boolean;
}

let planting: Planting | null = null;

export function initialize(data: Planting): void {
  planting = data;
}

export const load: Load = async (url, context, next) => {
  if (planting === null || !url.startsWith(planting.build)) return next(url, context, next);
  const { fault, sources, build } = planting;
  const file = url.slice(build.length).replace(/\.js$/, '.ts');
  if (!fault.patches.some((patch) => patch.file === file)) return next(url, context, next);
  const source = patched(fault, file, await readFile(new URL(file, sources), 'utf8'));
  const { outputText } = ts.transpileModule(source, {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  return { format: 'module', source: outputText, shortCircuit: true };
};
