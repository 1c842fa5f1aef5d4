/** What a run has done and seen, printed at its end. */
export class Counters {
  readonly #counts = new Map<string, number>();
  readonly #slowest = new Map<string, number>();

  add(name: string, more = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** Keeps the longest, ms. */
  took(name: string, ms: number): void {
    this.#slowest.set(name, Math.max(ms, this.#slowest.get(name) ?? 0));
  }

  table(): string {
    const rows = [
      ...[...this.#counts].map(([name, count]) => [name, count.toLocaleString('en')]),
      ...[...this.#slowest].map(([name, ms]) => [name, `${Math.round(ms).toLocaleString('en')} ms`]),
    ] as const;
    const width = Math.max(...rows.map(([name = '']) => name.length));
    return rows.map(([name = '', value = '']) => `  ${name.padEnd(width)}  ${value.padStart(12)}\n`).join('');
  }
}
