/** What a store throws. Match on `code`; messages are one line, for the operator. */
import { MillraceError } from '../platform/errors.js';

/** The database cannot be reached, or the connection was lost before it answered. */
export class StoreUnavailableError extends MillraceError {
  readonly code = 'MR_STORE_UNAVAILABLE';
}

/** Another engine holds the shard. */
export class ShardHeldError extends MillraceError {
  readonly code = 'MR_SHARD_HELD';
}

/** Another owner has raised the fence: this one may not write any more, and does not take it back by itself. */
export class FencedError extends MillraceError {
  readonly code = 'MR_FENCED';
}

/** The database was migrated by a newer program. */
export class DatabaseNewerError extends MillraceError {
  readonly code = 'MR_DATABASE_NEWER';
}

/** The shard's database is not the one that the configuration means: other slots, another log. */
export class ShardMismatchError extends MillraceError {
  readonly code = 'MR_SHARD_MISMATCH';
}

/** The log is not what was committed: somebody or something wrote to it behind the engine's back. */
export class SealBrokenError extends MillraceError {
  readonly code = 'MR_SEAL_BROKEN';
}

/** The server would lose answered transactions, or cannot carry a shard. */
export class UnfitServerError extends MillraceError {
  readonly code = 'MR_UNFIT_SERVER';
}

/** A file that holds a part of the log, or its place in the chain of files, is not what it was. */
export class DetachedFileError extends MillraceError {
  readonly code = 'MR_DETACHED_FILE';
}

/** The server's own word for what went wrong (SQLSTATE), where the server said it. */
export function sqlState(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  // The first characters that classes begin with: the system's EPIPE is not one of them.
  return typeof code === 'string' && /^[0-9FHPX][0-9A-Z]{4}$/.test(code) ? code : undefined;
}
