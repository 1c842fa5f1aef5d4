/** The parent's side of an open-loop generator. */
import { type ChildProcess, fork } from 'node:child_process';
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
