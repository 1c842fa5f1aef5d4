/** Both kinds of engine, and the merchants that are fuzzed on them. */
import { randomBytes } from 'node:crypto';
import { ApiDocument } from '../../api/support/document.js';
import { ProblemTable } from '../../api/support/problem.js';
import { type RunningEngine, startEngine } from '../../support/engine.js';
import { Pair } from './pair.js';
import { Sender } from './sender.js';

interface Side {
  readonly engine: RunningEngine;
  readonly pid: number;
  readonly problems: ProblemTable;
  readonly document: ApiDocument;
}

export class Engines {
  #sides: readonly Side[] = [];
  readonly #marks: string[] = [];
  /** By status and code, over all that was asked. */
  readonly counts = new Map<string, number>();

  /** The default kind first: native server and embedded Postgres; then the one without native code. */
  async start(): Promise<void> {
    const kinds = [
      { store: 'embedded', server: 'uws' },
      { store: 'pglite', server: 'node' },
    ] as const;
    this.#sides = await Promise.all(
      kinds.map(async (kind) => {
        const engine = await startEngine(kind);
        const [pid, problems, document] = await Promise.all([
          engine.enginePid(),
          ProblemTable.of(engine.url),
          ApiDocument.of(engine.url),
        ]);
        return { engine, pid, problems, document };
      }),
    );
  }

  get engines(): readonly RunningEngine[] {
    return this.#sides.map(({ engine }) => engine);
  }

  /** Two merchants that are each other's strangers, on both engines, with all that they need. */
  async strangers(): Promise<readonly [Pair, Pair]> {
    const marks = [this.#mark(), this.#mark()] as const;
    const one = await this.#pair(marks[0], 'vault.one', 'vault.two');
    const two = await this.#pair(marks[1], 'vault.two', 'vault.one');
    await Promise.all([one.open(), two.open()]);
    one.sides.forEach((side, index) => {
      const stranger = two.sides[index] as Sender; // as many sides as this one has
      side.foreignTransaction = stranger.transactions[6] ?? '';
      stranger.foreignTransaction = side.transactions[6] ?? '';
    });
    return [one, two];
  }

  /** Ends with a complaint if either engine died, began again, or logged that something went wrong. */
  async mustBeWhole(): Promise<void> {
    for (const { engine, pid } of this.#sides) {
      if (engine.process.exitCode !== null) throw new Error(`the engine ended:\n${engine.log()}`);
      const now = await engine.enginePid();
      if (now !== pid) throw new Error(`the engine began again:\n${engine.log()}`);
      const complaints = engine
        .log()
        .split('\n')
        .filter((line) => /\b(?:WARN|ERROR|FATAL)\b|Unhandled|Uncaught/i.test(line));
      if (complaints.length > 0) throw new Error(`the engine's log:\n${complaints.slice(0, 20).join('\n')}`);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.dispose()));
  }

  #mark(): string {
    const mark = `MK${randomBytes(3).toString('hex').toUpperCase()}`;
    this.#marks.push(mark);
    return mark;
  }

  async #pair(mark: string, vault: string, farVault: string): Promise<Pair> {
    const sides = await Promise.all(
      this.#sides.map(async ({ engine, problems, document }) => {
        const key = await engine.createKey(`m-${mark.toLowerCase()}`);
        await untilKnown(engine.url, key);
        const witnesses = { problems, document, foreignMarks: () => this.#marks.filter((other) => other !== mark) };
        return new Sender(engine.port, { key, mark, vault, farVault }, witnesses);
      }),
    );
    return new Pair(sides as [Sender, Sender], this.counts);
  }
}

/** Keys act within a second, not at once. */
async function untilKnown(url: string, key: string): Promise<void> {
  for (const until = performance.now() + 2_000; performance.now() < until; ) {
    const { status } = await fetch(`${url}/v1/transactions/x`, { headers: { Authorization: `Bearer ${key}` } });
    if (status !== 401) return;
  }
  throw new Error('a key does not act');
}
