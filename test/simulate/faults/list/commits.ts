/** Faults of commits, fences and recovery. */
import type { Fault } from '../fault.js';

const SHARD = 'src/engine/shard/shard.ts';
const DECIDING = 'src/engine/shard/deciding.ts';
const BATCHES = 'src/engine/shard/batches.ts';
const FENCE = 'src/store/postgres/fence.ts';
const BATCH_ROW = 'src/store/batch-row.ts';
const RECOVER = 'src/engine/shard/recover.ts';
const SEALS = 'src/store/seal/chain.ts';
const ENCODER = 'src/store/copy/encoder.ts';

export const COMMIT_FAULTS: readonly Fault[] = [
  {
    name: 'answer before commit',
    breaks: 'durable before answered: answers leave when the COMMIT is sent',
    patches: [
      {
        file: SHARD,
        find: 'const result = await this.#store.commit(batch.encoder);',
        replace: 'batch.deliver();\n    const result = await this.#store.commit(batch.encoder);',
      },
    ],
  },
  {
    name: 'ambiguous commit taken as done',
    breaks: 'durable before answered: a COMMIT without an answer counts as committed',
    patches: [
      {
        file: SHARD,
        find: "if (result.type !== 'committed') return this.#recoverFrom",
        replace: "if (result.type !== 'committed' && result.type !== 'ambiguous') return this.#recoverFrom",
      },
    ],
  },
  {
    name: 'ambiguous commit told as none',
    breaks: 'outcome none means none: clients of an ambiguous batch hear that nothing was done',
    patches: [
      {
        file: SHARD,
        find: "const code = how === 'ambiguous' || how === 'unsent' ? 'outcome_unknown' : 'shard_unavailable';",
        replace: "const code = how === 'unsent' ? 'outcome_unknown' : 'shard_unavailable';",
      },
    ],
  },
  {
    name: 'batch kept for later told as none',
    breaks: 'outcome none means none: clients of a batch that was never sent, and will be, hear that nothing was done',
    patches: [
      {
        file: SHARD,
        find: "const code = how === 'ambiguous' || how === 'unsent' ? 'outcome_unknown' : 'shard_unavailable';",
        replace: "const code = how === 'ambiguous' ? 'outcome_unknown' : 'shard_unavailable';",
      },
    ],
  },
  {
    name: 'ambiguous batch dropped',
    breaks: 'memory is the log: after an ambiguous commit memory keeps what the log may not have',
    patches: [
      {
        file: 'src/engine/shard/settle.ts',
        find: 'if (head >= batch.encoder.last) return',
        replace: 'if (head >= 0) return',
      },
    ],
  },
  {
    name: 'batch applied twice',
    breaks: 'once: after an ambiguous commit that took place, the commands are decided and written again',
    patches: [
      {
        file: 'src/engine/shard/settle.ts',
        find: "if (head >= batch.encoder.last) return 'committed';",
        replace: "if (head >= batch.encoder.last) return 'again' as 'committed';",
      },
      {
        file: SHARD,
        find: "if (end === 'committed') this.#acknowledge(batch);",
        replace:
          "if ((end as string) === 'again') { const { records } = batch.encoder; this.#acknowledge(batch); await this.#writeAgain(records); }\n      else if (end === 'committed') this.#acknowledge(batch);",
      },
      {
        file: SHARD,
        find: '  #takeWaiting(): void {',
        replace: `  async #writeAgain(count: number): Promise<void> {
    const ledger = this.#mustLedger();
    const records = await this.#store.loadParents(Array.from({ length: count }, (_, index) => this.#committed - index));
    for (const record of records.filter(({ kind, legCount }) => kind === 1 && legCount === 1)) {
      const one = new (record as never as { constructor: new () => typeof record }).constructor().copyFrom(record);
      one.position = ledger.head + 1;
      one.sequence = ledger.bookSequence(one.book) + 1;
      one.recordedAt = ledger.lastRecordedAt;
      ledger.replay([one]);
      this.#batches.gathering.encoder.append(one);
    }
  }

  #takeWaiting(): void {`,
      },
    ],
  },
  {
    name: 'fence left out',
    breaks: 'one writer: a batch asks neither for its epoch nor for its owner',
    patches: [
      { file: BATCH_ROW, find: ' AND epoch = $', replace: ' AND 0 < $' },
      { file: BATCH_ROW, find: " AND owner = '", replace: " AND '' < '" },
    ],
  },
  {
    name: 'raise without its owner',
    breaks: 'one writer: whoever comes raises the fence, also an owner of yesterday',
    patches: [{ file: FENCE, find: 'AND epoch = $2 AND owner = $3 RETURNING', replace: 'RETURNING' }],
  },
  {
    name: 'raise not acknowledged',
    breaks: 'an ambiguous commit is settled by an acknowledged raise only, here by reading after any failure',
    patches: [
      {
        file: FENCE,
        find: 'this.#log?.warn(`the fence could not be raised yet:',
        replace:
          'return { epoch: this.epoch, head: (await this.#control.use((session) => lastBatch(session))).last };\n        this.#log?.warn(`the fence could not be raised yet:',
      },
    ],
  },
  {
    name: 'keys forgotten at restart',
    breaks: 'once: a worker that starts again does not know the keys that its folded state covers',
    patches: [{ file: RECOVER, find: 'await loadKeys(store, ledger, folded.foldedTo);', replace: '' }],
  },
  {
    name: 'filters forgotten at restart',
    breaks: 'once: a worker that starts again does not look for keys in closed partitions',
    patches: [{ file: RECOVER, find: 'await loadFilters(store, ledger);', replace: '' }],
  },
  {
    name: 'last record of a batch lost',
    breaks: 'durable before answered: what the database gets is a record short',
    patches: [
      {
        file: ENCODER,
        find: '    this.#used = this.#copyTexts(at, texts.bytes, texts.offset, texts.length);\n    this.records++;',
        replace:
          '    const rowStart = this.#used;\n    this.#used = this.#copyTexts(at, texts.bytes, texts.offset, texts.length);\n    this.records++;\n    if (record.position % 89 === 0) this.#used = rowStart;',
      },
    ],
  },
  {
    name: 'large amounts cut in the log',
    breaks: 'exact: the log keeps the lower half of an amount',
    patches: [
      {
        file: ENCODER,
        find: 'return setHalves(view, at, highWord(words, index), lowWord(words, index));',
        replace: 'return setHalves(view, at, 0, lowWord(words, index));',
      },
    ],
  },
  {
    name: 'fold skips one record',
    breaks: 'balances are the fold of all records: a fold passes over one sequence',
    patches: [],
    planted: ['fold_skips_one'],
  },
  {
    name: 'reads do not wait',
    breaks: 'no dirty answers: a read shows what is not committed yet',
    patches: [
      {
        file: DECIDING,
        find: 'const outbox = this.#batches.latestOutbox(link);\n    const { book } = request;',
        replace:
          'const outbox = link.takeOutbox();\n    queueMicrotask(() => link.deliver(outbox));\n    const { book } = request;',
      },
    ],
  },
  {
    name: 'replays do not wait',
    breaks: 'no dirty answers: a replay of what the next batch holds leaves with the one in flight',
    patches: [
      {
        file: BATCHES,
        find: '    return this.#gathering.outbox(link);\n  }\n\n  /** What gathered goes',
        replace: '    return (this.#inFlight ?? this.#gathering).outbox(link);\n  }\n\n  /** What gathered goes',
      },
    ],
  },
  {
    name: 'chain of seals begun anew at restart',
    breaks: 'each batch is sealed with the digest of the one before it, also across owners',
    patches: [
      {
        file: SEALS,
        find: '    this.#genesis = genesisOf(logId);\n    this.#digest = digest ?? this.#genesis;',
        replace:
          '    this.#genesis = genesisOf(logId);\n    this.#digest = digest === null ? this.#genesis : this.#genesis;',
      },
    ],
  },
  {
    name: 'seal of an ambiguous batch forgotten',
    breaks: 'after an ambiguous commit that took place the chain goes on from that batch',
    patches: [
      {
        file: SEALS,
        find: 'endsWith(digest: Buffer | null): void {\n    this.#digest = digest ?? this.#genesis;',
        replace: 'endsWith(digest: Buffer | null): void {\n    if (digest === null) this.#digest = this.#genesis;',
      },
    ],
  },
  {
    name: 'new settings not written down',
    breaks: 'what decides enters the log when it changes: a start with other settings takes over the old ones',
    patches: [
      {
        file: 'src/ledger/decider.ts',
        find: 'if (text === JSON.stringify(this.#state.settings)) return this.#answered(null, null);',
        replace: 'if (this.#state.head > 0) return this.#answered(null, null);',
      },
    ],
  },
  {
    name: 'window of keys by the present settings',
    breaks: 'a shorter window applies to new keys only: here a start gives all keys the present one',
    patches: [
      {
        file: 'src/ledger/state.ts',
        find: 'while (index > 0 && (this.#keyWindows[index] as { from: Position }).from > position) index--;',
        replace: 'if (position < 0) index--;',
      },
    ],
  },
  {
    name: 'command given to another shard',
    breaks: 'a shard writes its own merchants only: of two shards of a worker the first gets all',
    patches: [
      {
        file: 'src/engine/wire/head.ts',
        find: 'number => view.getUint16(offset + 2, true);',
        replace: 'number => view.getUint16(offset + 2, true) * 0;',
      },
    ],
  },
];
