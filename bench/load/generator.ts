/** The parent's side of an open-loop generator. */
import { type ChildProcess, fork } from 'node:child_process';
import { on } from 'node:events';
import type { GeneratorPlan, Phase, PhaseResult } from './plan.js';

export class LoadGenerator {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(plan: GeneratorPlan): Promise<LoadGenerator> {
    const child = fork(new URL('open-loop.js', import.meta.url), { stdio: 'inherit' });
    const generator = new LoadGenerator(child);
    await generator.#ask(plan);
    return generator;
  }

  /** Of its process. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One phase at a time. */
  run(phase: Phase): Promise<PhaseResult> {
    return this.#ask(phase) as Promise<PhaseResult>;
  }

  /** The results of a phase's windows, each as soon as it is there. */
  async *windows(phase: Phase & { readonly windows: number }): AsyncGenerator<PhaseResult> {
    const gone = new AbortController();
    const ended = (): void => gone.abort();
    this.#child.once('exit', ended);
    const answers = on(this.#child, 'message', { signal: gone.signal });
    this.#child.send(phase);
    try {
      for (let left = phase.windows; left > 0; left--) yield (await answers.next()).value[0] as PhaseResult;
    } catch (error) {
      throw gone.signal.aborted ? new Error('the load generator ended before its windows did') : error;
    } finally {
      this.#child.off('exit', ended);
      await answers.return?.();
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.disconnect();
    await ended;
  }

  #ask(message: GeneratorPlan | Phase): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the load generator ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', ended);
        resolve(answer);
      });
      this.#child.send(message);
    });
  }
}
