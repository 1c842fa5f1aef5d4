/** Writes what the ledger decided into the outbox of the front that asked. */
import type { ErrorCode } from '../../ledger/errors.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { Outcome } from '../../ledger/outcome.js';
import type { LogSink, Position } from '../../ledger/record.js';
import { isTransaction, LogRecord, RecordKind } from '../../ledger/record.js';
import type { AccountView, RecordView } from '../../ledger/view.js';
import { encodeAnswer, encodeRecorded, encodeReplay, RECORDED_BYTES, REPLAY_BYTES } from '../wire/answer.js';
import type { Answer } from '../wire/messages.js';
import { accountAnswerSize, encodeAccountAnswer } from '../wire/read-account.js';
import type { Outbox } from './outbox.js';
import type { DecodedRequest, FrontCommand } from './request.js';

type Recorded = Extract<Outcome, { type: 'recorded' }>;
type Answered = Extract<Outcome, { type: 'answered' }>;

/** Keeps copies of the records that a command writes, beside writing them; not of what lapses before it, which nobody is shown. */
class RecordingSink implements LogSink {
  readonly records: LogRecord[] = [];
  readonly #start: number;

  constructor(readonly sink: LogSink) {
    this.#start = sink.mark();
    this.#marks.push([this.#start, 0]);
  }

  readonly #marks: [mark: number, records: number][] = [];

  append(record: LogRecord): void {
    this.sink.append(record);
    if (record.kind !== RecordKind.expiry) this.records.push(new LogRecord().copyFrom(record));
  }

  mark(): number {
    const mark = this.sink.mark();
    this.#marks.push([mark, this.records.length]);
    return mark;
  }

  rewind(mark: number): void {
    this.sink.rewind(mark);
    while (this.#marks.length > 1 && (this.#marks.at(-1)?.[0] ?? 0) > mark) this.#marks.pop();
    this.records.length = this.#marks.at(-1)?.[1] ?? 0;
  }
}

export class AnswerWriter {
  #recording: RecordingSink | null = null;

  /** The sink for a command: the batch itself for a posting, whose front knows all that it answers with. */
  sinkFor(command: FrontCommand, batch: LogSink): LogSink {
    if (command.type === 'post') {
      this.#recording = null;
      return batch;
    }
    this.#recording = new RecordingSink(batch);
    return this.#recording;
  }

  recorded(outbox: Outbox, request: DecodedRequest, command: FrontCommand, outcome: Recorded, ledger: Ledger): void {
    const { requestId } = request;
    const { position, sequence, recordedAt, code, details } = outcome;
    if (command.type === 'post' && code === null) {
      const expiresAt = command.pending ? recordedAt + (command.expiresIn || ledger.settings.holdDefault) : 0;
      const offset = outbox.claim(requestId, RECORDED_BYTES);
      encodeRecorded(outbox.view, offset, requestId, position, sequence, recordedAt, expiresAt);
      return;
    }
    const records = code === null ? this.#views(ledger) : [];
    const accounts = code === null ? accountsOf(command, ledger) : [];
    append(outbox, requestId, {
      type: 'recorded',
      code,
      position,
      sequence,
      recordedAt,
      expiresAt: 0,
      details,
      records,
      accounts,
    });
  }

  answered(outbox: Outbox, request: DecodedRequest, outcome: Answered): void {
    const { code, details, preview } = outcome;
    append(outbox, request.requestId, { type: 'answered', code, details, records: preview?.records ?? [] });
  }

  replay(outbox: Outbox, request: DecodedRequest, command: FrontCommand, position: Position): void {
    const { requestId } = request;
    const offset = outbox.claim(requestId, REPLAY_BYTES);
    encodeReplay(outbox.view, offset, requestId, position, command.fingerprintHi, command.fingerprintLo);
  }

  account(outbox: Outbox, request: DecodedRequest, account: AccountView | null, sequence: number): void {
    const { requestId } = request;
    if (account === null) {
      append(outbox, requestId, { type: 'account', account, sequence });
      return;
    }
    const offset = outbox.claim(requestId, accountAnswerSize(account));
    encodeAccountAnswer(outbox, offset, requestId, account, sequence);
  }

  head(outbox: Outbox, request: DecodedRequest, sequence: number, recordedAt: number): void {
    append(outbox, request.requestId, { type: 'head', sequence, recordedAt });
  }

  /** The new transactions among the records just written, without those that lapsed before the command was decided. */
  #views(ledger: Ledger): RecordView[] {
    const records = this.#recording?.records ?? [];
    return records.filter(({ kind }) => isAnswer(kind)).map((record) => ledger.recordView(record));
  }
}

/** An expiry is nobody's command. */
const isAnswer = (kind: RecordKind): boolean => isTransaction(kind) && kind !== RecordKind.expiry;

export function writeUnavailable(outbox: Outbox, requestId: number, code: ErrorCode, retryAfterSeconds: number): void {
  append(outbox, requestId, { type: 'unavailable', code, retryAfterSeconds });
}

function append(outbox: Outbox, requestId: number, answer: Answer): void {
  const encoded = encodeAnswer(requestId, answer);
  const offset = outbox.claim(requestId, encoded.length);
  outbox.bytes.set(encoded, offset);
}

function accountsOf(command: FrontCommand, ledger: Ledger): AccountView[] {
  const names =
    command.type === 'open_accounts'
      ? command.accounts.map(({ name }) => name)
      : 'account' in command
        ? [command.account]
        : [];
  return names.flatMap((name) => ledger.account(command.book, name) ?? []);
}
