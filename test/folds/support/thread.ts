/**
 * The thread of the folds as it runs in production. A thread cannot run TypeScript, so what it needs is transpiled into
 * a temporary folder: what runs is always what stands in the sources.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TransferListItem, Worker } from 'node:worker_threads';
import ts from 'typescript';
import type { FoldThreadData } from '../../../src/folds/messages.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export class FoldThreads {
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-folds-'));
  readonly #running = new Set<Worker>();

  constructor() {
    writeFileSync(join(this.#folder, 'package.json'), '{"type":"module"}');
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'));
    for (const layer of ['src/folds', 'src/store', 'src/ledger', 'src/platform']) {
      for (const name of readdirSync(join(root, layer), { recursive: true, encoding: 'utf8' })) {
        if (name.endsWith('.ts')) this.#transpile(join(layer, name));
      }
    }
  }

  start(workerData: FoldThreadData, transferList: TransferListItem[] = []): Worker {
    const worker = new Worker(join(this.#folder, 'src/folds/thread.js'), { workerData, transferList });
    this.#running.add(worker);
    worker.once('exit', () => this.#running.delete(worker));
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
    rmSync(this.#folder, { recursive: true });
  }

  #transpile(path: string): void {
    const { outputText } = ts.transpileModule(readFileSync(join(root, path), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
    });
    const target = join(this.#folder, path.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, outputText);
  }
}
