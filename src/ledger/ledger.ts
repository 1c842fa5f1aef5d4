/** The state machine of one shard. Skeleton: signatures are final, bodies follow. */
import type { Command, LedgerSettings } from './command.js';
import type { CurrencyTable } from './currency.js';
import type { KeyWindow } from './keys/window.js';
import type { LoadAccount, LoadBook } from './load.js';
import type { Outcome } from './outcome.js';
import type { LogRecord, LogSink, Micros, Position } from './record.js';
import type { AccountView, RecordView, TransactionView } from './view.js';

export interface LedgerOptions {
  /** Hash of a key for records read from a log; the same that commands carry. Used by replay only. */
  readonly keyHash: (book: number, key: Uint8Array, into: Int32Array) => void;
  /** Records a partition of the log holds: the generations of the key window. */
  readonly partitionRecords: number;
  /** In force until a `configured` record. */
  readonly settings: LedgerSettings;
  /** 16 secret bytes for the table of account names, so that collisions cannot be aimed. Decides no outcome. */
  readonly nameKey?: Uint8Array;
}

const later = (): never => {
  throw new Error('not built yet');
};

export class Ledger {
  constructor(readonly options: LedgerOptions) {}
  get head(): Position {
    return later();
  }
  get settings(): LedgerSettings {
    return later();
  }
  get currencies(): CurrencyTable {
    return later();
  }
  get lastRecordedAt(): Micros {
    return later();
  }
  get keys(): KeyWindow {
    return later();
  }
  get accountCount(): number {
    return later();
  }
  get openHoldCount(): number {
    return later();
  }
  /** Running hash over all records, as a signed 64-bit integer. */
  get chainHash(): bigint {
    return later();
  }
  apply(_command: Command, _now: Micros, _sink: LogSink): Outcome {
    return later();
  }
  expireDue(_now: Micros, _max: number, _sink: LogSink): number {
    return later();
  }
  nextExpiry(): Micros {
    return later();
  }
  replay(_record: LogRecord): void {
    later();
  }
  account(_book: number, _name: string): AccountView | null {
    return later();
  }
  accountByNumber(_number: number): AccountView {
    return later();
  }
  recordView(_record: LogRecord): RecordView {
    return later();
  }
  transactionView(_parent: Position): TransactionView | null {
    return later();
  }
  hasBook(_book: number): boolean {
    return later();
  }
  bookSequence(_book: number): number {
    return later();
  }
  digest(): string {
    return later();
  }
  loadBook(_book: LoadBook): void {
    later();
  }
  loadAccount(_account: LoadAccount): void {
    later();
  }
  loadHold(_records: readonly LogRecord[]): void {
    later();
  }
  loadConfigured(_record: LogRecord): void {
    later();
  }
  /** A key of a record at or before `foldedTo`, in order of position; after loadConfigured. */
  loadKey(_book: number, _key: Uint8Array, _position: Position, _recordedAt: Micros): void {
    later();
  }
  finishLoad(_foldedTo: Position, _chainHash: bigint, _lastRecordedAt: Micros): void {
    later();
  }
  admitParent(_records: readonly LogRecord[]): void {
    later();
  }
  admitAbsentParent(_position: Position): void {
    later();
  }
  evictParents(_committed: Position, _max: number): void {
    later();
  }
  /** @param recordedAt of that record: whether the key is still remembered. Without it, it is. */
  admitKey(_keyHash: Int32Array, _position: Position | null, _recordedAt?: Micros): void {
    later();
  }
}
