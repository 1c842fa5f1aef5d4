/**
 * One request on its way through a route: who asks, what is needed to answer, and the answer itself. Answered exactly
 * once, whatever happens.
 */
import type { ColdRequest, OnAnswer, RequestHead } from '../../engine/wire/messages.js';
import { DetachedError } from '../../folds/read/detached.js';
import type { ErrorCode } from '../../ledger/errors.js';
import { errorByCode } from '../../ledger/errors.js';
import type { Position } from '../../ledger/record.js';
import type { RecordView } from '../../ledger/view.js';
import { readJson } from '../body/json.js';
import { readMsgpack } from '../body/msgpack.js';
import { PROBLEM_TYPE, type Problem, renderProblem } from '../problem.js';
import { toMsgpack } from '../render/msgpack.js';
import { renderRecord } from '../render/transaction.js';
import type { Exchange, LateFields } from '../server/exchange.js';
import type { BodyValue, Principal } from '../types.js';
import { RequestProblem } from '../types.js';
import type { Codecs, FrontShard, RouteContext } from './context.js';
import type { BodyForm } from './negotiate.js';
import { ReadRefused } from './read-refused.js';

const RETRY_AFTER_SECONDS = 1;

/** The record of a remembered refusal. */
export interface RefusalRecord {
  readonly position: Position;
  readonly sequence: number;
}

export interface ProblemFacts extends Omit<Problem, 'code' | 'requestId' | 'sequence'> {
  /** Of a remembered refusal: where it stands, so that its body is the same at every replay. */
  readonly refusal?: RefusalRecord;
  readonly retryAfterSeconds?: number;
  readonly replayed?: boolean;
}

/** What was found out about a request from its head. */
export interface Asked {
  /** Of {@link RouteContext.requestIds}. */
  readonly requestNumber: number;
  /** The work that it counts as. */
  readonly units: number;
  /** It came by a stream: see {@link Exchange.paced}. */
  readonly paced: boolean;
  /** The path's `{id}` or `{name}`, as it was sent; empty where the route has none. */
  readonly segment: string;
  readonly bodyForm: BodyForm;
  readonly answerForm: BodyForm;
}

/**
 * Called once for each request, when its answer is given.
 * @param units of {@link Asked}, as is `paced`
 * @param withoutRoom so many of its requests never came to the shard: no room
 */
export type OnAnswered = (principal: Principal, units: number, paced: boolean, withoutRoom: number) => void;

export class Call implements LateFields {
  /** Highest sequence that this answer is known to show. */
  sequence = 0;
  /** Requests of this call that the engine had no room for. */
  #withoutRoom = 0;
  #answered = false;

  constructor(
    readonly context: RouteContext,
    readonly exchange: Exchange,
    readonly asked: Asked,
    readonly principal: Principal,
    readonly shard: FrontShard,
    readonly codecs: Codecs,
    readonly onAnswered: OnAnswered,
  ) {}

  get book(): number {
    return this.principal.book;
  }

  get segment(): string {
    return this.asked.segment;
  }

  get bodyForm(): BodyForm {
    return this.asked.bodyForm;
  }

  get answerForm(): BodyForm {
    return this.asked.answerForm;
  }

  get requestId(): string {
    return this.context.requestIds.text(this.asked.requestNumber);
  }

  /** The body, read strictly; null where none was sent. @throws RequestProblem */
  readBody(): BodyValue {
    const { body } = this.exchange;
    if (body.length === 0) return null;
    return this.bodyForm === 'json' ? readJson(body) : readMsgpack(body);
  }

  head(key: string | null, route: string): RequestHead {
    return { shard: this.principal.shard, book: this.principal.book, key, route };
  }

  /** Asks the engine; a refusal at the door is answered here. */
  ask(head: RequestHead, request: ColdRequest, onAnswer: OnAnswer): void {
    const refusal = this.context.engine.ask(head, request, (answer) => {
      // An answer comes from the engine's loop: a fault here must neither stop that nor leave the client waiting.
      try {
        onAnswer(answer);
      } catch (error) {
        this.fail(error);
      }
    });
    if (refusal !== null) this.problem(refusal);
  }

  id(position: Position): string {
    return this.codecs.ids.encode(this.shard.logId, position);
  }

  /** A transaction as of its record; `recorded` false for a dry run, which has no id. */
  renderRecord(record: RecordView, recorded = true): string {
    const parentId = record.parent === 0 ? null : this.id(record.parent);
    return renderRecord(record, recorded ? this.id(record.position) : null, parentId);
  }

  /** @param json text, or its UTF-8 bytes; bytes may be reused as soon as this returns */
  ok(status: number, json: string | Uint8Array, replayed = false): void {
    const asJson = this.answerForm === 'json';
    if (asJson && !replayed) {
      this.#sendFresh(status, json);
      return;
    }
    const headers = this.#fields(asJson ? 'application/json' : 'application/msgpack');
    if (replayed) headers.push('Idempotency-Replayed', 'true');
    this.#send(status, headers, asJson ? json : toMsgpack(json));
  }

  /** A fresh success whose body is msgpack already; its bytes may be reused as soon as this returns. */
  okPacked(status: number, body: Uint8Array): void {
    if (this.exchange.respondPacked === undefined) {
      this.#send(status, this.#fields('application/msgpack'), body);
      return;
    }
    if (this.#answered) return;
    this.#answered = true;
    this.context.counters.answered(status);
    this.exchange.respondPacked(status, this, body);
    this.#left();
  }

  problem(code: ErrorCode, facts: ProblemFacts = {}): void {
    const { status, retryable } = errorByCode(code);
    const headers = this.#fields(PROBLEM_TYPE);
    if (retryable) headers.push('Retry-After', String(facts.retryAfterSeconds ?? RETRY_AFTER_SECONDS));
    if (facts.replayed === true) headers.push('Idempotency-Replayed', 'true');
    this.#send(status, headers, this.renderProblem(code, facts));
  }

  renderProblem(code: ErrorCode, facts: ProblemFacts = {}): string {
    if (code === 'overloaded') this.#withoutRoom++;
    const { retryAfterSeconds: _seconds, replayed: _replayed, refusal, ...rest } = facts;
    if (refusal === undefined) return renderProblem({ code, requestId: this.requestId, ...rest });
    // Named for the record and not for the request that happened to ask: a replay has the same body.
    const requestId = this.id(refusal.position).replace(/^txn_/, 'req_');
    return renderProblem({ code, requestId, sequence: refusal.sequence, final: true, ...rest });
  }

  /** Answers whatever was thrown while the route ran. */
  fail(error: unknown): void {
    if (error instanceof RequestProblem) {
      this.problem(error.code, { detail: error.detail, param: error.param });
      return;
    }
    if (error instanceof ReadRefused) {
      this.problem(error.code, { retryAfterSeconds: error.retryAfterSeconds });
      return;
    }
    if (error instanceof DetachedError) {
      this.problem('archived');
      return;
    }
    if (isUnavailable(error)) {
      this.problem('shard_unavailable');
      return;
    }
    this.context.onError(error, `${this.exchange.method} ${this.exchange.path}`);
    this.problem('internal_error');
  }

  /** Like `#send` of a success, without a string for any of its fields. */
  #sendFresh(status: number, json: string | Uint8Array): void {
    if (this.#answered) return;
    this.#answered = true;
    const { context, shard, principal } = this;
    const sequence = context.see(principal, this.sequence);
    const head = context
      .successHead(status)
      .write(this.codecs.sealer, shard.incarnation, sequence, principal.book, this.asked.requestNumber);
    context.counters.answered(status);
    this.exchange.respondWith(head, json);
    this.#left();
  }

  /** Of all that this answer is known to show. */
  token(): string {
    return this.context.token(this.shard, this.principal, this.sequence);
  }

  /** Header fields of every answer but a fresh one in JSON. */
  #fields(contentType: string): string[] {
    return ['Content-Type', contentType, 'Consistency-Token', this.token(), 'X-Request-Id', this.requestId];
  }

  #send(status: number, headers: string[], body: string | Uint8Array): void {
    if (this.#answered) return;
    this.#answered = true;
    this.context.counters.answered(status);
    this.exchange.respond(status, headers, body);
    this.#left();
  }

  #left(): void {
    this.onAnswered(this.principal, this.asked.units, this.asked.paced, this.#withoutRoom);
  }
}

/** The shard's database is away: nothing of a read was done, and it may be asked again. */
function isUnavailable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MR_STORE_UNAVAILABLE';
}
