/**
 * Problems found while a body is parsed. All of it is looked at, and the one that comes first in the error table is
 * answered; among equals the first in the document.
 */
import type { ErrorCode } from '../../ledger/errors.js';
import { errorByCode } from '../../ledger/errors.js';
import { RequestProblem } from '../types.js';

export class Faults {
  #rank = Number.POSITIVE_INFINITY;
  #code: ErrorCode = 'malformed_body';
  #param = '';
  #detail = '';

  /** Whether a problem of this code would be the first; asked before a pointer is made for nothing. */
  wants(code: ErrorCode): boolean {
    return errorByCode(code).number < this.#rank;
  }

  add(code: ErrorCode, param: string, detail: string): void {
    const rank = errorByCode(code).number;
    if (rank >= this.#rank) return;
    this.#rank = rank;
    this.#code = code;
    this.#param = param;
    this.#detail = detail;
  }

  get any(): boolean {
    return this.#rank !== Number.POSITIVE_INFINITY;
  }

  /** The problem to answer; only where there is any. */
  first(): RequestProblem {
    return new RequestProblem(this.#code, this.#detail, this.#param);
  }

  throwFirst(): void {
    if (this.any) throw this.first();
  }
}
