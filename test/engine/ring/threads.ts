/**
 * Real threads for the tests of rings. A thread cannot run TypeScript, so the ring and the scripts of the threads are
 * transpiled into a temporary folder: what runs is always what stands in the sources.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type TransferListItem, Worker } from 'node:worker_threads';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folders = ['src/engine/ring', 'test/engine/ring/thread'];
const files = ['src/platform/errors.ts'];

export class Threads {
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-ring-'));
  readonly #running = new Set<Worker>();

  constructor() {
    writeFileSync(join(this.#folder, 'package.json'), '{"type":"module"}');
    for (const file of files) this.#transpile(file);
    for (const folder of folders) {
      for (const name of readdirSync(join(root, folder))) this.#transpile(join(folder, name));
    }
  }

  /** @param script of test/engine/ring/thread, without its ending */
  start(script: string, workerData: unknown, transferList: TransferListItem[] = []): Worker {
    const path = join(this.#folder, 'test/engine/ring/thread', `${script}.js`);
    const worker = new Worker(path, { workerData, transferList });
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
