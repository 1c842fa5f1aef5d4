/**
 * `millrace import FILE --map MAP`: lines of a CSV file become transactions, over HTTP, at a running engine.
 *
 * Every line has an idempotency key made from it, so a line is posted once however often the import is run: after a
 * kill, of this program or the engine, the same command finishes the job.
 */
import { existsSync, statSync } from 'node:fs';
import { ConfigError } from '../platform/errors.js';
import type { Checkpoint, Counts } from './import/checkpoint.js';
import { jobOf, readCheckpoint, removeCheckpoint, Settled, writeCheckpoint } from './import/checkpoint.js';
import { Lanes } from './import/lanes.js';
import type { Item } from './import/map.js';
import { compileMap, LineRejected, readMap } from './import/map.js';
import type { ImportMap } from './import/map-schema.js';
import type { FileLine, Start } from './import/reader.js';
import { readColumns, readLines } from './import/reader.js';
import { Rejects, rejectFile } from './import/rejects.js';
import type { ItemOutcome } from './import/sender.js';
import { ImportStoppedError, Sender } from './import/sender.js';
import { showProgress } from './import/show.js';
import type { CommandIo } from './io.js';
import { ExitCode } from './serve/exit-codes.js';

export interface ImportOptions {
  readonly file: string;
  readonly map: string;
  /** Of the engine, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** The API key. */
  readonly key: string;
  /** Batches on their way at a time. */
  readonly lanes?: number;
  /** Items in a batch, at most 8192. */
  readonly batch?: number;
  /** How long the engine may give no outcome before the import stops, ms. */
  readonly retryForMs?: number;
  /** Read the file from its beginning, whatever an earlier run has noted. */
  readonly fromStart?: boolean;
}

/** A line that was read; `item` is null where it cannot become a transaction. */
interface ReadLine {
  readonly line: FileLine;
  readonly item: Item | null;
  outcome: ItemOutcome | null;
}
interface PendingLine {
  readonly item: Item;
  readonly read: ReadLine;
  readonly settle: () => void;
}

const CHECKPOINT_EVERY_MS = 1000;
const BATCH_BYTES_MAX = 4 << 20;
const REJECTS_BETWEEN_ADVANCES = 256;

/** @returns the exit code: 0 all lines are posted, 1 some were rejected, 2 a mistake in the mapping, 3 the engine is away */
export async function importCommand(options: ImportOptions, io: CommandIo): Promise<number> {
  try {
    const map = readMap(options.map);
    if (!existsSync(options.file)) throw new ConfigError(`${options.file}: there is no such file`);
    const { columns, start } = await readColumns(options.file, map);
    const run = new ImportRun(options, io, map, columns);
    return await run.run(start);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof ImportStoppedError)) throw error;
    io.stderr.write(`millrace import: ${error.message}\n`);
    if (error instanceof ConfigError) return ExitCode.usage;
    io.stderr.write('Run the same command again to go on: no line is posted twice.\n');
    return ExitCode.unavailable;
  }
}

class ImportRun {
  readonly #options: ImportOptions;
  readonly #io: CommandIo;
  readonly #map: ImportMap;
  readonly #columns: readonly string[];
  readonly #job: string;
  readonly #settled = new Settled<ReadLine>();
  /** Of the lines up to `#at`. */
  #counts: Counts = { posted: 0, replayed: 0, rejected: 0 };
  #at: Start = { offset: 0, lines: 0 };
  #probe: Checkpoint['probe'] | null = null;
  /** What a checkpoint would say: of the newest place that reading can begin at. */
  #resumable: Pick<Checkpoint, 'start' | 'counts' | 'rejectBytes'> | null = null;
  #checkpointAt = Date.now();

  constructor(options: ImportOptions, io: CommandIo, map: ImportMap, columns: readonly string[]) {
    this.#options = options;
    this.#io = io;
    this.#map = map;
    this.#columns = columns;
    this.#job = jobOf(options.file, map, options.url, options.key);
  }

  async run(start: Start): Promise<number> {
    const { file } = this.#options;
    const toItem = compileMap(this.#map, this.#columns);
    const checkpoint = await this.#believedCheckpoint();
    this.#at = checkpoint?.start ?? start;
    this.#counts = checkpoint === null ? this.#counts : { ...checkpoint.counts };
    this.#probe = checkpoint?.probe ?? null;
    const rejects = new Rejects(file, this.#columns, this.#map, checkpoint?.rejectBytes ?? 0);
    const shown = showProgress(this.#io, statSync(file).size);
    if (checkpoint !== null) shown.note(`Going on after line ${checkpoint.start.lines}, where an earlier run stopped.`);
    const sender = new Sender<PendingLine>({
      ...this.#connection(),
      onOutcome: ({ read, settle }, outcome) => {
        read.outcome = outcome;
        settle();
      },
      onTrouble: (why) => shown.note(why === null ? 'The engine is back.' : `No outcome yet: ${why}. Trying again.`),
    });
    await sender.open();
    const advance = (): void => {
      this.#advance(rejects);
      shown.update(this.#at.offset, this.#at.lines);
    };
    const { lanes: laneCount = 4, batch: batchItemsMax = 1000 } = this.#options;
    const bounds = { lanes: laneCount, batchItemsMax, batchBytesMax: BATCH_BYTES_MAX };
    const lanes = new Lanes<PendingLine>(bounds, async (batch) => {
      await sender.send(batch);
      advance();
    });
    try {
      for await (const line of readLines(file, this.#map, this.#at)) {
        const pending = this.#begin(line, toItem);
        if (pending !== null) await lanes.add(pending);
        else if (line.number % REJECTS_BETWEEN_ADVANCES === 0) advance();
      }
      await lanes.drain();
      advance();
      removeCheckpoint(file);
    } finally {
      rejects.close();
      shown.end();
    }
    return this.#summary();
  }

  /** @returns null where the line is rejected here */
  #begin(line: FileLine, toItem: (fields: readonly string[]) => Item): PendingLine | null {
    const made = itemOf(line, toItem);
    if (typeof made === 'string') {
      this.#settled.begin({ line, item: null, outcome: { type: 'rejected', reason: made } })();
      return null;
    }
    const read: ReadLine = { line, item: made, outcome: null };
    return { item: made, read, settle: this.#settled.begin(read) };
  }

  #connection() {
    const { url, key, retryForMs = 60_000 } = this.#options;
    return { url: url.replace(/\/+$/, ''), key, retryForMs };
  }

  /** What an earlier run has noted, where the ledger still holds the transaction that it names. */
  async #believedCheckpoint(): Promise<Checkpoint | null> {
    const { file, fromStart = false } = this.#options;
    const found = fromStart ? null : readCheckpoint(file, this.#job);
    if (found === null) return null;
    let id: string | null = null;
    const sender = new Sender({
      ...this.#connection(),
      onOutcome: (_, outcome) => {
        id = outcome.type === 'rejected' ? null : outcome.id;
      },
      onTrouble: () => undefined,
    });
    const { json, key } = found.probe;
    await sender.send([{ item: { json, key, ordered: [] } }]);
    return id === found.probe.id ? found : null;
  }

  /** Counts and writes down all lines that are settled with everything before them. */
  #advance(rejects: Rejects): void {
    for (const { line, outcome, item } of this.#settled.take()) {
      this.#at = { offset: line.endOffset, lines: line.number };
      if (outcome === null) continue;
      this.#counts[outcome.type]++;
      if (outcome.type === 'rejected') rejects.add(line.fields, outcome.reason);
      else if (item !== null) this.#probe = { json: item.json, key: item.key, id: outcome.id };
      // Of a line that cannot be read the parser does not know the end: its rest would be read as another line.
      if (line.fault !== null) continue;
      this.#resumable = { start: this.#at, counts: { ...this.#counts }, rejectBytes: rejects.sizeBytes };
    }
    const probe = this.#probe;
    if (probe === null || this.#resumable === null) return;
    if (Date.now() - this.#checkpointAt < CHECKPOINT_EVERY_MS) return;
    this.#checkpointAt = Date.now();
    rejects.sync();
    writeCheckpoint(this.#options.file, { version: 1, job: this.#job, ...this.#resumable, probe });
  }

  #summary(): number {
    const { posted, replayed, rejected } = this.#counts;
    this.#io.stdout.write(`posted ${posted}, replayed ${replayed}, rejected ${rejected}\n`);
    if (rejected === 0) return ExitCode.ok;
    this.#io.stderr.write(`The rejected lines and their reasons are in ${rejectFile(this.#options.file)}\n`);
    return ExitCode.failed;
  }
}

/** The line's item, or why there is none. */
function itemOf(line: FileLine, toItem: (fields: readonly string[]) => Item): Item | string {
  if (line.fault !== null) return line.fault;
  try {
    return toItem(line.fields);
  } catch (error) {
    if (error instanceof LineRejected) return error.message;
    throw error;
  }
}
