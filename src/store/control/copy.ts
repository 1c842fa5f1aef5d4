/**
 * An engine's own copy of the control log, for the time that the control database is away. A line is a record, or says
 * when the database was last asked; changes are added at the end, so that a new key costs the same however many there are.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ControlRecord } from './state.js';

export interface ControlCopy {
  /** When the database was last asked, ms since 1970. */
  readonly checkedAt: number;
  readonly records: readonly ControlRecord[];
}

interface Checked {
  readonly checked_at: number;
}

const FIRST_LINE = '{"version":2}';
/** Times of questions pile up at the end: now and then the file is written anew. */
const ADDED_LINES_MAX = 10_000;

export class CopyFile {
  readonly #file: string;
  /** Lines added since the file was written whole; `ADDED_LINES_MAX` where it is not known to be whole. */
  #added = ADDED_LINES_MAX;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * Readable by this user only; hashes only: no key stands in it.
   * @param known how many of the records stand in the file already; 0 where it is to be written anew
   * @throws Error from the file system: then the next call writes the file anew
   */
  write({ checkedAt, records }: ControlCopy, known: number): void {
    const added = this.#added + records.length - known + 1;
    const isAdded = known > 0 && added < ADDED_LINES_MAX;
    // Half a line in the middle would hide what comes after it.
    this.#added = ADDED_LINES_MAX;
    const lines = [...records.slice(isAdded ? known : 0), { checked_at: checkedAt } satisfies Checked];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (isAdded) durably(this.#file, 'a', text);
    else this.#replace(`${FIRST_LINE}\n${text}`);
    this.#added = isAdded ? added : 0;
  }

  /** Appears whole or not at all. */
  #replace(text: string): void {
    const draft = `${this.#file}.draft`;
    rmSync(draft, { force: true });
    durably(draft, 'wx', text);
    renameSync(draft, this.#file);
  }
}

function durably(file: string, flag: 'a' | 'wx', text: string): void {
  const handle = openSync(file, flag, 0o600);
  try {
    writeFileSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** As far as it can be read: its last line may have been cut off. @returns null where there is none that can be read */
export function readCopy(file: string): ControlCopy | null {
  if (!existsSync(file)) return null;
  const [first, ...lines] = readFileSync(file, 'utf8').split('\n');
  if (first !== FIRST_LINE) return null;
  const records: ControlRecord[] = [];
  let checkedAt: number | null = null;
  for (const text of lines) {
    const line = parsed(text);
    if (line === null) break;
    if ('checked_at' in line) checkedAt = line.checked_at;
    else records.push(line);
  }
  return checkedAt === null ? null : { checkedAt, records };
}

function parsed(line: string): ControlRecord | Checked | null {
  try {
    return JSON.parse(line) as ControlRecord | Checked;
  } catch {
    return null;
  }
}
