/** The parent's side of the bad clients. */
import { type ChildProcess, fork } from 'node:child_process';
import type { BadCompany, CompanyReport } from './plan.js';

export class Company {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when all of them have begun. */
  static async arrive(plan: BadCompany): Promise<Company> {
    const company = new Company(fork(new URL('hostile.js', import.meta.url), { stdio: 'inherit' }));
    await company.#ask(plan);
    return company;
  }

  report(): Promise<CompanyReport> {
    return this.#ask('report') as Promise<CompanyReport>;
  }

  /** All of them at once: their connections are reset or closed by the kernel. */
  async leave(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #ask(message: BadCompany | 'report'): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the bad clients ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', ended);
        resolve(answer);
      });
      this.#child.send(message);
    });
  }
}
