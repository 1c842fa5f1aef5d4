/** What happened in a run, line by line: its digest, its last lines, and how often it came to what it should reach. */
import { createHash } from 'node:crypto';

const FLUSH_CHARS = 1 << 14;

export class Trace {
  /** How often each of the things happened that runs should come to; see marks.ts. */
  readonly marks = new Map<string, number>();
  #hash = createHash('sha256');
  #pending = '';
  #step = 0;
  readonly #lines: string[] | null;

  /** @param keep whether the lines themselves are wanted */
  constructor(keep: boolean) {
    this.#lines = keep ? [] : null;
  }

  /** The next place in the order of all that happens. */
  nextStep(): number {
    return ++this.#step;
  }

  say(at: number, line: string): void {
    const text = `${at} ${line}\n`;
    this.#pending += text;
    if (this.#pending.length > FLUSH_CHARS) this.#flush();
    this.#lines?.push(text);
  }

  mark(name: string): void {
    this.marks.set(name, (this.marks.get(name) ?? 0) + 1);
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Of everything said so far; nothing is said after it. */
  digest(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    // Half the price of UTF-8; letters beyond Latin-1 count by their lower halves.
    this.#hash.update(this.#pending, 'latin1');
    this.#pending = '';
  }
}
