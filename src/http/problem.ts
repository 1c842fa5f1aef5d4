import type { ErrorCode } from '../ledger/errors.js';
import { errorByCode } from '../ledger/errors.js';
import type { RequestProblem } from './types.js';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly code: ErrorCode;
  readonly requestId: string;
  /** Default: what the error table says should be done. */
  readonly detail?: string | null;
  /** JSON pointer; a `param` in `details` goes before it. */
  readonly param?: string | null;
  /** JSON text of a refusal's facts (`details` of an answer or a record), or null. */
  readonly details?: string | null;
  /** Default: whether the error table says that it is remembered. False for dry runs. */
  readonly final?: boolean;
}

export function problemStatus(code: ErrorCode): number {
  return errorByCode(code).status;
}

/** RFC 9457 problem details as JSON text; the status is {@link problemStatus}. */
export function renderProblem(_problem: Problem): string {
  throw new Error('not built yet');
}

/** A refusal of the edge. */
export function renderRequestProblem(problem: RequestProblem, requestId: string): string {
  return renderProblem({ code: problem.code, detail: problem.detail, param: problem.param, requestId });
}

/** The body of GET /v1/errors. */
export function renderErrorTable(): string {
  throw new Error('not built yet');
}
