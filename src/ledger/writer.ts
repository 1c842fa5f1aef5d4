/** Writes records: gives each its place, folds it, and hands it to the sink. In a dry run it only folds and shows. */
import { assert } from './assert.js';
import type { CommandHead } from './command.js';
import { fold } from './fold.js';
import { actionDetails } from './parent-state.js';
import type { LogSink, Micros } from './record.js';
import { isAction, isTransaction, LogRecord, RecordKind } from './record.js';
import type { LedgerState } from './state.js';
import type { RecordView } from './view.js';
import { recordView } from './views.js';

export class RecordWriter {
  /** The record that is being made, and after `write` the one that was written. */
  readonly record = new LogRecord();
  readonly #state: LedgerState;
  #sink: LogSink | null = null;
  #now: Micros = 0;
  /** Set in a dry run: the transactions that it would have written. */
  #preview: RecordView[] | null = null;

  constructor(state: LedgerState) {
    this.#state = state;
  }

  /** The time of the command that is decided: never before the last record's. */
  get now(): Micros {
    return this.#now;
  }

  begin(sink: LogSink, now: Micros): void {
    this.#sink = sink;
    this.#now = Math.max(this.#state.lastRecordedAt, now);
  }

  beginPreview(): void {
    this.#preview = [];
  }

  endPreview(): readonly RecordView[] {
    const preview = this.#preview;
    assert(preview !== null, 'a preview that ends was begun');
    this.#preview = null;
    return preview;
  }

  start(kind: RecordKind, book: number): LogRecord {
    const { record } = this;
    record.reset();
    record.position = this.#state.head + 1;
    record.book = book;
    record.kind = kind;
    record.recordedAt = this.#now;
    if (book !== 0 && kind !== RecordKind.merchantOpened) record.sequence = this.#state.books.sequence(book) + 1;
    return record;
  }

  /** Makes the record the outcome of the command's key, and gives it the command's texts. */
  answers(command: CommandHead): void {
    const { record } = this;
    record.texts = command.texts;
    if (!command.keyed) return;
    record.keyed = true;
    // Four stores: `set` of a small array costs more than the whole fold of a leg.
    record.keyHash[0] = command.keyHash[0] as number;
    record.keyHash[1] = command.keyHash[1] as number;
    record.keyHash[2] = command.keyHash[2] as number;
    record.keyHash[3] = command.keyHash[3] as number;
    record.fingerprintHi = command.fingerprintHi;
    record.fingerprintLo = command.fingerprintLo;
  }

  write(): void {
    const { record } = this;
    const state = this.#state;
    fold(state, record);
    if (isAction(record.kind)) {
      const parent = state.parents.get(record.parent);
      assert(parent !== undefined, 'what is acted on is in memory');
      // The state of the parent after this record: the fold does not read it.
      record.details = actionDetails(parent, state.currencies);
    }
    if (this.#preview === null) this.#sink?.append(record);
    else if (isTransaction(record.kind)) this.#preview.push(recordView(state, record));
  }
}
