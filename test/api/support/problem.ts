/** The shape of every problem, checked against the table that the engine itself serves, and the codes that were seen. */
import { expect } from 'vitest';
import type { ApiAnswer } from '../../support/api.js';

export interface TableRow {
  readonly type: string;
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly retryable: boolean;
  readonly final: boolean;
  readonly outcome: string;
  readonly action: string;
}

export class ProblemTable {
  readonly seen = new Set<string>();
  readonly #rows: ReadonlyMap<string, TableRow>;

  constructor(readonly rows: readonly TableRow[]) {
    this.#rows = new Map(rows.map((row) => [row.code, row]));
  }

  static async of(url: string): Promise<ProblemTable> {
    const response = await fetch(`${url}/v1/errors`);
    return new ProblemTable(((await response.json()) as { data: TableRow[] }).data);
  }

  /** Every answer of 400 and above goes through here. */
  check(answer: ApiAnswer): void {
    expect(answer.headers.get('content-type'), answer.text).toBe('application/problem+json');
    expect(answer.body.status, answer.text).toBe(answer.status);
    // An outcome that is remembered names no single request: its body is the same in every replay.
    if (!answer.body.final) expect(answer.body.request_id).toBe(answer.headers.get('x-request-id'));
    const row = this.checkBody(answer.body);
    if (row.retryable) expect(answer.headers.get('retry-after'), answer.text).toMatch(/^[1-9][0-9]*$/);
  }

  /** A problem by itself, as an item of a batch has it. */
  checkBody(problem: Record<string, unknown>): TableRow {
    const row = this.#rows.get(String(problem.code));
    if (row === undefined) throw new Error(`not a problem of the table: ${JSON.stringify(problem)}`);
    this.seen.add(row.code);
    const { type, title, status, retryable, outcome } = row;
    expect(problem).toMatchObject({ type, title, status, retryable, outcome });
    expect(problem.detail).toMatch(/./);
    expect(problem.request_id).toMatch(/^req_\w+$/);
    expect(typeof problem.final).toBe('boolean');
    // What is not remembered is never final; what is remembered is not final in a dry run.
    if (!row.final) expect(problem.final, row.code).toBe(false);
    if (problem.param !== undefined) expect(problem.param).toMatch(/^(\/|$)/);
    return row;
  }
}
