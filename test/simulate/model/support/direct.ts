/**
 * The real state machine, played without threads, network or database: each command is encoded and decoded as on a
 * ring, decided, and written down as a run of the simulator would be. Every few commands make a commit.
 */
import { RequestDecoder } from '../../../../src/engine/shard/request.js';
import { encodeCold } from '../../../../src/engine/wire/cold.js';
import type { Answer } from '../../../../src/engine/wire/messages.js';
import { encodePost, postSizeMax } from '../../../../src/engine/wire/post.js';
import { errorByNumber } from '../../../../src/ledger/errors.js';
import { KeyedHash } from '../../../../src/ledger/hash.js';
import { Ledger } from '../../../../src/ledger/ledger.js';
import type { Outcome } from '../../../../src/ledger/outcome.js';
import { isAction, isTransaction, LogRecord, type LogSink } from '../../../../src/ledger/record.js';
import { readTexts } from '../../../../src/ledger/texts.js';
import type {
  AccountState,
  Answered,
  CommittedBatch,
  History,
  LogRow,
  Operation,
  SimulatedCommand,
  SimulatedSettings,
} from '../../history.js';
import { EPOCH } from '../../time/globals.js';

export const START = EPOCH;
export const DAY = 86_400_000_000;
export const SETTINGS: SimulatedSettings = {
  keyWindow: 7 * DAY,
  keysMax: 10_000,
  keysGuaranteed: 10,
  accountsMax: 1_000,
  openHoldsMax: 1_000,
  holdDefault: DAY,
  backdatingMax: null,
  customCurrencies: [],
};

export interface Asked {
  readonly book: number;
  readonly key: string | null;
  readonly command: SimulatedCommand;
}

class MemoryLog implements LogSink {
  readonly records: LogRecord[] = [];
  append(record: LogRecord): void {
    this.records.push(new LogRecord().copyFrom(record));
  }
  mark(): number {
    return this.records.length;
  }
  rewind(mark: number): void {
    this.records.length = mark;
  }
}

const HASH = new KeyedHash(new Uint8Array(16).fill(5));

export class Direct {
  now = START;
  readonly settings: SimulatedSettings;
  readonly #ledger: Ledger;
  readonly #log = new MemoryLog();
  readonly #decoder = new RequestDecoder();
  readonly #operations: Operation[] = [];
  readonly #answers: Answered[] = [];
  readonly #batches: CommittedBatch[] = [];
  readonly #held: { readonly operation: number; readonly answer: Answer }[] = [];
  readonly #books: number[];
  #step = 0;

  constructor(settings: Partial<SimulatedSettings> = {}, books: readonly number[] = [1, 2]) {
    this.settings = { ...SETTINGS, ...settings };
    this.#books = [...books];
    this.#ledger = newLedger(this.settings);
    for (const book of books) {
      this.#ledger.apply(
        { type: 'open_merchant', book, merchant: `m${book}`, environment: 'test' },
        this.now,
        this.#log,
      );
    }
  }

  get head(): number {
    return this.#ledger.head;
  }

  expire(max: number): void {
    this.#ledger.expireDue(this.now, max, this.#log);
  }

  evict(): void {
    this.#ledger.evictParents(this.#ledger.head, 10);
  }

  ask({ book, key, command }: Asked): Answer {
    const number = this.#operations.length;
    const route = routeOf(command);
    this.#operations.push({
      step: ++this.#step,
      at: this.now - EPOCH,
      number,
      client: 0,
      book,
      key,
      route,
      command,
      engine: 0,
      repeats: null,
    });
    const answer = this.#decide(book, key, route, command);
    this.#held.push({ operation: number, answer });
    return answer;
  }

  /** Commits, and lets the answers go. */
  commit(): void {
    const prev = this.#batches.at(-1)?.last ?? 0;
    const last = this.#log.records.length;
    if (last > prev) {
      const step = ++this.#step;
      this.#batches.push({ step, at: this.now - EPOCH, engine: 0, prev, last, epoch: 1, hash: this.#ledger.chainHash });
    }
    for (const { operation, answer } of this.#held.splice(0)) {
      const replay = answer.type === 'replay' ? this.#found(operation, answer) : null;
      this.#answers.push({ step: ++this.#step, at: this.now - EPOCH, operation, answer, replay, delivered: true });
    }
  }

  history(): History {
    this.commit();
    const replayed = newLedger(this.settings);
    replayed.replay(this.#log.records);
    const accounts = Array.from({ length: this.#ledger.accountCount }, (_, at) => accountState(this.#ledger, at + 1));
    const head = this.#ledger.head;
    return {
      seed: 0,
      shard: 0,
      settings: [this.settings],
      seals: null,
      books: this.#books.map((book) => ({ book, merchant: `m${book}`, environment: 'test' })),
      operations: this.#operations,
      answers: this.#answers,
      batches: this.#batches,
      log: this.#log.records.map(rowOf),
      events: [],
      final: {
        memoryHead: head,
        logHead: this.#log.records.length,
        memoryDigest: this.#ledger.digest(),
        replayDigest: replayed.digest(),
        accounts,
        folded: Array.from({ length: replayed.accountCount }, (_, at) => accountState(replayed, at + 1)),
      },
    };
  }

  #found(operation: number, answer: Extract<Answer, { type: 'replay' }>): NonNullable<Answered['replay']> {
    const record = this.#log.records[answer.position - 1];
    const row = record === undefined ? null : rowOf(record);
    const asked = this.#operations[operation];
    return {
      row,
      sameKey: row !== null && row.key === asked?.key && row.book === asked.book,
      samePayload: row?.fingerprint === answer.fingerprint,
    };
  }

  #decide(book: number, key: string | null, route: string, command: SimulatedCommand): Answer {
    const ledger = this.#ledger;
    if (command.type === 'read_account') {
      ledger.expireOn(book, command.account, this.now, this.#log);
      const account = ledger.account(book, command.account);
      return { type: 'account', account, sequence: ledger.bookSequence(book) };
    }
    if (command.type === 'read_head') {
      return { type: 'head', sequence: ledger.bookSequence(book), recordedAt: ledger.lastRecordedAt };
    }
    const bytes = encode(book, key, route, command);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let tries = 0; tries < 10; tries++) {
      const { what } = this.#decoder.decode(bytes, view, 0, bytes.length);
      if (what.type === 'read_account' || what.type === 'read_head') throw new Error('a write became a read');
      const from = this.#log.records.length;
      const outcome = ledger.apply(what, this.now, this.#log);
      if (outcome.type === 'load_parent') for (const position of outcome.positions) this.#load(position);
      else if (outcome.type === 'load_key') throw new Error('nothing was put away, so nothing is looked up');
      else return this.#answerOf(command, book, outcome, from, `${what.fingerprintHi}:${what.fingerprintLo}`);
    }
    throw new Error('the ledger asks again and again');
  }

  #load(position: number): void {
    const records = this.#log.records.filter(
      (one) => one.position === position || (one.parent === position && isAction(one.kind)),
    );
    if (records[0]?.position === position) this.#ledger.admitParent(records);
    else this.#ledger.admitAbsentParent(position);
  }

  #answerOf(
    command: SimulatedCommand,
    book: number,
    outcome: Exclude<Outcome, { type: 'load_parent' } | { type: 'load_key' }>,
    from: number,
    fingerprint: string,
  ): Answer {
    if (outcome.type === 'replay') return { type: 'replay', position: outcome.position, fingerprint };
    const { code, details } = outcome;
    if (outcome.type === 'answered')
      return { type: 'answered', code, details, records: outcome.preview?.records ?? [] };
    const { position, sequence, recordedAt } = outcome;
    const fresh = this.#log.records.slice(from);
    const isPost = command.type === 'post';
    const names =
      command.type === 'open_accounts'
        ? command.accounts.map(({ name }) => name)
        : 'account' in command
          ? [command.account]
          : [];
    return {
      type: 'recorded',
      code,
      position,
      sequence,
      recordedAt,
      expiresAt: isPost && code === null ? (this.#log.records[position - 1]?.expiresAt ?? 0) : 0,
      details: isPost && code === null ? null : details,
      records:
        isPost || code !== null
          ? []
          : fresh
              .filter(({ kind, position: at }) => isTransaction(kind) && at >= position)
              .map((one) => this.#ledger.recordView(one)),
      accounts: code === null ? names.flatMap((name) => this.#ledger.account(book, name) ?? []) : [],
    };
  }
}

function newLedger(settings: SimulatedSettings): Ledger {
  return new Ledger({
    keyHash: (...key) => HASH.hash128(...key),
    partitionRecords: 1 << 20,
    settings,
  });
}

/** Equal requests have equal routes. */
export const routeOf = (command: SimulatedCommand): string =>
  'parent' in command ? `POST /v1/transactions/{id}/${command.type} ${command.parent}` : `POST ${command.type}`;

function encode(book: number, key: string | null, route: string, command: SimulatedCommand): Uint8Array {
  const head = { shard: 0, book, key, route, requestId: 1 };
  if (command.type === 'read_statement' || command.type === 'list_accounts')
    throw new Error('there is no database here');
  if (command.type === 'read_account') throw new Error('reads are not written');
  if (command.type !== 'post') return encodeCold(head, command, HASH);
  const bytes = new Uint8Array(postSizeMax(command) + 600);
  const length = encodePost(head, command, HASH, { bytes, view: new DataView(bytes.buffer) }, 0);
  return bytes.subarray(0, length);
}

export function rowOf(record: LogRecord): LogRow {
  const { position, sequence, book, kind, recordedAt, flags, parent, effectiveAt, expiresAt, details } = record;
  const texts = readTexts(record.texts);
  return {
    position,
    sequence,
    book,
    kind,
    recordedAt,
    flags,
    code: record.code === 0 ? null : (errorByNumber(record.code)?.code ?? null),
    parent,
    effectiveAt,
    expiresAt,
    legs: Array.from({ length: record.legCount }, (_, at) => ({
      leg: record.leg[at] ?? 0,
      debit: record.debit[at] ?? 0,
      credit: record.credit[at] ?? 0,
      currency: record.currency[at] ?? 0,
      amount: record.amount[at] ?? 0n,
      released: record.released[at] ?? 0n,
    })),
    account: kind >= 9 && kind <= 13 ? (record.debit[0] ?? 0) : 0,
    details,
    ...texts,
    key: record.keyed ? texts.key : null,
    fingerprint: record.keyed ? `${record.fingerprintHi}:${record.fingerprintLo}` : null,
  };
}

function accountState(ledger: Ledger, number: number): AccountState {
  const one = ledger.accountByNumber(number);
  return { ...one, currency: ledger.currencies.byCode(one.currency)?.number ?? 0 };
}
