/** Decides atomic batches of transactions: all items or none, judged in order, behind a head that holds the key. */
import { assert } from './assert.js';
import type { AtomicBatchCommand } from './command.js';
import type { BatchDetails } from './details.js';
import type { Posting } from './posting.js';
import { RecordKind } from './record.js';
import { type Refusal, within } from './refusal.js';
import type { LedgerState } from './state.js';
import type { RecordWriter } from './writer.js';

export class Batching {
  readonly #state: LedgerState;
  readonly #writer: RecordWriter;
  readonly #posting: Posting;

  constructor(state: LedgerState, writer: RecordWriter, posting: Posting) {
    this.#state = state;
    this.#writer = writer;
    this.#posting = posting;
  }

  /** Records that follow the head if no item is refused: the items, and the accounts that they open. */
  countOf(command: AtomicBatchCommand): number {
    const opened = new Set<string>();
    for (const item of command.items) this.#posting.namesToOpen(item, opened);
    return command.items.length + opened.size;
  }

  /** Writes the head and the items up to the first that is refused; the caller takes them back then. */
  decide(command: AtomicBatchCommand, count: number): Refusal | null {
    const head = this.#writer.start(RecordKind.batch, command.book);
    head.details = JSON.stringify({ count } satisfies BatchDetails);
    this.#writer.answers(command);
    this.#writer.write();
    const headPosition = this.#state.head;
    for (const [index, item] of command.items.entries()) {
      const refused = this.#posting.resolve(item) ?? this.#posting.roomFor(item) ?? this.#posting.decide(item, null);
      if (refused !== null) return within(`/transactions/${index}`, refused);
    }
    assert(this.#state.head - headPosition === count, 'a batch writes as many records as its head says');
    return null;
  }
}
