/**
 * How far an import has come, in a file beside the imported one. Only a hint: it is believed where the last transaction
 * that it names is asked for again and is the same one; and whatever is read twice is a replay.
 */
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { ImportMap } from './map-schema.js';
import type { Start } from './reader.js';

/** Of the lines up to a checkpoint. */
export interface Counts {
  posted: number;
  replayed: number;
  rejected: number;
}

export interface Checkpoint {
  readonly version: 1;
  /** What was imported, by which mapping, to where. */
  readonly job: string;
  /** All lines before this are settled. */
  readonly start: Start;
  readonly counts: Counts;
  /** Length of the file of rejected lines. */
  readonly rejectBytes: number;
  /** The last item before it that is a transaction, and its id. */
  readonly probe: { readonly json: string; readonly key: string; readonly id: string };
}

const checkpointFile = (file: string): string => `${file}.millrace-progress`;

/** Another file, mapping, engine or key is another job. */
export function jobOf(file: string, map: ImportMap, url: string, key: string): string {
  const { size, mtimeMs } = statSync(file);
  return digestOf(JSON.stringify([size, mtimeMs, map, url, key]));
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** @returns null where there is none of this job, or none that is as it was written: a wrong offset would leave lines out */
export function readCheckpoint(file: string, job: string): Checkpoint | null {
  try {
    const [text = '', digest] = readFileSync(checkpointFile(file), 'utf8').split('\n');
    if (digest !== digestOf(text)) return null;
    const found = JSON.parse(text) as Checkpoint;
    return found.version === 1 && found.job === job ? found : null;
  } catch {
    return null;
  }
}

export function writeCheckpoint(file: string, checkpoint: Checkpoint): void {
  const draft = `${checkpointFile(file)}.draft`;
  const text = JSON.stringify(checkpoint);
  writeFileSync(draft, `${text}\n${digestOf(text)}`, { mode: 0o600 });
  renameSync(draft, checkpointFile(file));
}

export function removeCheckpoint(file: string): void {
  rmSync(checkpointFile(file), { force: true });
}

/** Lines get their outcomes out of order; this knows up to where all of them have one. */
export class Settled<L> {
  /** Lines without an outcome, and those behind them, in order. */
  #waiting: { readonly line: L; settled: boolean }[] = [];
  #head = 0;

  /** Takes lines in the order of the file. @returns what to call once when the line has its outcome */
  begin(line: L): () => void {
    const entry = { line, settled: false };
    this.#waiting.push(entry);
    return () => {
      entry.settled = true;
    };
  }

  /** Lines that have come to be settled with all lines before them, since the last call, in order. */
  *take(): Generator<L> {
    for (let entry = this.#waiting[this.#head]; entry?.settled === true; entry = this.#waiting[this.#head]) {
      this.#head++;
      yield entry.line;
    }
    // Cut off now and then: shifting an array for each line would cost its length each time.
    if (this.#head > 4096) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
  }
}
