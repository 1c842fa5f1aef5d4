/** Problem details (RFC 9457), and the table of all of them. */
import type { ErrorCode } from '../ledger/errors.js';
import { ERRORS, errorByCode } from '../ledger/errors.js';
import { factText } from './render/facts.js';
import { quote } from './render/text.js';
import type { RequestProblem } from './types.js';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly code: ErrorCode;
  readonly requestId: string;
  /** Default: what the error table says should be done. */
  readonly detail?: string | null;
  /** JSON pointer; goes before a `param` in `details`. */
  readonly param?: string | null;
  /** JSON text of a refusal's facts (`details` of an answer or a record), or null. */
  readonly details?: string | null;
  /** The merchant's sequence of a remembered refusal. */
  readonly sequence?: number;
  /** Default: whether the error table says that it is remembered. False for dry runs. */
  readonly final?: boolean;
}

/** Members that facts cannot take the place of. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'type',
  'title',
  'status',
  'detail',
  'code',
  'retryable',
  'outcome',
  'final',
  'param',
  'request_id',
  'sequence',
]);

export function problemStatus(code: ErrorCode): number {
  return errorByCode(code).status;
}

/** Where a code is explained: a reference relative to the server. */
function problemTypeUri(code: ErrorCode): string {
  return `/v1/errors#${code}`;
}

/** Problem details as JSON text; the status is {@link problemStatus}. */
export function renderProblem(problem: Problem): string {
  const entry = errorByCode(problem.code);
  const facts = parseFacts(problem.details);
  const param = problem.param ?? (typeof facts.param === 'string' ? facts.param : null);
  let text =
    `{"type":"${problemTypeUri(entry.code)}","title":${quote(entry.title)},"status":${entry.status}` +
    `,"detail":${quote(problem.detail ?? entry.action)},"code":"${entry.code}","retryable":${entry.retryable}` +
    `,"outcome":"${entry.outcome}","final":${problem.final ?? entry.remembered}`;
  if (param !== null) text += `,"param":${quote(param)}`;
  text += `,"request_id":${quote(problem.requestId)}`;
  if (problem.sequence !== undefined) text += `,"sequence":${problem.sequence}`;
  for (const [name, value] of Object.entries(facts)) {
    if (!OWN_MEMBERS.has(name)) text += `,${quote(name)}:${factText(name, value)}`;
  }
  return `${text}}`;
}

function parseFacts(details: string | null | undefined): Readonly<Record<string, unknown>> {
  if (details === null || details === undefined) return {};
  const facts: unknown = JSON.parse(details);
  return typeof facts === 'object' && facts !== null ? (facts as Readonly<Record<string, unknown>>) : {};
}

/** A refusal of the edge. */
export function renderRequestProblem(problem: RequestProblem, requestId: string): string {
  return renderProblem({ code: problem.code, detail: problem.detail, param: problem.param, requestId });
}

let errorTable: string | null = null;

/** The body of GET /v1/errors: the table in its order, the first that applies winning. */
export function renderErrorTable(): string {
  errorTable ??= JSON.stringify({
    data: ERRORS.map((entry) => ({
      type: problemTypeUri(entry.code),
      code: entry.code,
      status: entry.status,
      title: entry.title,
      retryable: entry.retryable,
      final: entry.remembered,
      outcome: entry.outcome,
      action: entry.action,
    })),
    next_cursor: null,
  });
  return errorTable;
}
