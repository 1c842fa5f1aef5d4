/** Lines that did not become transactions, each with its reason: a CSV file of the same form and one more column. */
import { closeSync, existsSync, fsyncSync, openSync, truncateSync, writeSync } from 'node:fs';
import type { ImportMap } from './map-schema.js';
import type { Line } from './template.js';

export const rejectFile = (file: string): string => `${file}.rejects.csv`;

export class Rejects {
  readonly #path: string;
  readonly #columns: Line;
  readonly #delimiter: string;
  #handle: number | null = null;
  #bytes: number;

  /** @param keptBytes what an earlier run has rejected and this one will not read again */
  constructor(file: string, columns: Line, map: ImportMap, keptBytes: number) {
    this.#path = rejectFile(file);
    this.#columns = columns;
    this.#delimiter = map.csv.delimiter;
    this.#bytes = existsSync(this.#path) ? keptBytes : 0;
    if (existsSync(this.#path)) truncateSync(this.#path, keptBytes);
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  add(fields: Line, reason: string): void {
    if (this.#handle === null) {
      this.#handle = openSync(this.#path, 'a', 0o600);
      if (this.#bytes === 0) this.#write([...this.#columns, 'millrace_reason']);
    }
    // Short lines are filled up, so that the reason stands in its own column.
    const missing = Math.max(0, this.#columns.length - fields.length);
    this.#write([...fields, ...Array<string>(missing).fill(''), reason]);
  }

  /** Makes what was added last. */
  sync(): void {
    if (this.#handle !== null) fsyncSync(this.#handle);
  }

  close(): void {
    if (this.#handle !== null) closeSync(this.#handle);
    this.#handle = null;
  }

  #write(fields: Line): void {
    if (this.#handle === null) return;
    const text = `${fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(this.#delimiter)}\n`;
    this.#bytes += writeSync(this.#handle, text);
  }
}
