import type { ErrorCode } from '../../ledger/errors.js';

/** The engine cannot answer a read now. */
export class ReadRefused extends Error {
  constructor(
    readonly code: ErrorCode,
    readonly retryAfterSeconds: number,
  ) {
    super(code);
  }
}
