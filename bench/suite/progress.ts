/** What the bench says while it runs, on stderr, so that stdout has the results alone. */

const startedAt = performance.now();

export function say(line: string): void {
  process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
}

export const whole = (value: number): string => Math.round(value).toLocaleString('en');
