/** Answers that need no API key: service routes, and problems found before anybody is known. */

import { errorByCode } from '../../ledger/errors.js';
import { PROBLEM_TYPE, renderRequestProblem } from '../problem.js';
import { toMsgpack } from '../render/msgpack.js';
import type { Exchange } from '../server/exchange.js';
import { RequestProblem } from '../types.js';
import type { RouteContext } from './context.js';
import type { BodyForm } from './negotiate.js';

export class ServiceCall {
  constructor(
    readonly context: RouteContext,
    readonly exchange: Exchange,
    readonly requestId: string,
    readonly answerForm: BodyForm,
  ) {}

  ok(status: number, json: string): void {
    const asJson = this.answerForm === 'json';
    const type = asJson ? 'application/json' : 'application/msgpack';
    const headers = ['Content-Type', type, 'X-Request-Id', this.requestId];
    this.#send(status, headers, asJson ? json : toMsgpack(json));
  }

  /** An answer in a form of its own. */
  okAs(contentType: string, text: string): void {
    this.#send(200, ['Content-Type', contentType, 'X-Request-Id', this.requestId], text);
  }

  #send(status: number, headers: string[], body: string | Uint8Array): void {
    this.context.counters.answered(status);
    this.exchange.respond(status, headers, body);
  }
}

/** A path that is there, and a method that it does not take. */
export class MethodProblem extends RequestProblem {
  constructor(
    method: string,
    /** As the Allow header has it. */
    readonly allow: string,
  ) {
    super('method_not_allowed', `This path takes ${allow}, not ${method.slice(0, 32)}.`);
  }
}

const RETRY_AFTER_SECONDS = '1';

/** Answers with a problem that was found before the request came to its route. */
export function answerProblem(
  exchange: Exchange,
  problem: RequestProblem,
  requestId: string,
  consistencyToken: string | null,
): void {
  const { status, retryable } = errorByCode(problem.code);
  const headers = ['Content-Type', PROBLEM_TYPE, 'X-Request-Id', requestId];
  if (consistencyToken !== null) headers.push('Consistency-Token', consistencyToken);
  if (retryable) headers.push('Retry-After', RETRY_AFTER_SECONDS);
  if (problem instanceof MethodProblem) headers.push('Allow', problem.allow);
  if (status === 401) headers.push('WWW-Authenticate', 'Bearer');
  exchange.respond(status, headers, renderRequestProblem(problem, requestId));
}
