/** What was looked up for a command that is about to be tried again. Forgotten when that command has been decided. */
import type { Position } from './record.js';

/** Facts for commands that never came back must not pile up; a fact that is lost is looked up again. */
const FACTS_MAX = 100_000;

export class Admissions {
  /** Positions at which there is no transaction. */
  readonly #noTransactions = new Set<Position>();
  /** Position of a key's outcome, 0 where it has none, by the text of its hash. */
  readonly #keys = new Map<string, Position>();

  addNoTransaction(position: Position): void {
    if (this.#noTransactions.size >= FACTS_MAX) this.#noTransactions.clear();
    this.#noTransactions.add(position);
  }

  isNoTransaction(position: Position): boolean {
    return this.#noTransactions.has(position);
  }

  addKey(hash: Int32Array, position: Position | 0): void {
    if (this.#keys.size >= FACTS_MAX) this.#keys.clear();
    this.#keys.set(hash.join(), position);
  }

  /** undefined: it was not looked up. */
  key(hash: Int32Array): Position | undefined {
    return this.#keys.get(hash.join());
  }

  get empty(): boolean {
    return this.#keys.size === 0 && this.#noTransactions.size === 0;
  }

  forgetKey(hash: Int32Array): void {
    if (this.#keys.size > 0) this.#keys.delete(hash.join());
  }

  forgetNoTransaction(position: Position): void {
    this.#noTransactions.delete(position);
  }
}
