/** Errors that leave a layer. Match on `code`: messages are for people and may change. */
export abstract class MillraceError extends Error {
  /** Never renamed, never reused. */
  abstract readonly code: `MR_${string}`;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The configuration (or another file that the operator writes) has a mistake. The message is one line. */
export class ConfigError extends MillraceError {
  readonly code = 'MR_CONFIG';
}

/** Another engine holds the data folder. */
export class DataFolderHeldError extends MillraceError {
  readonly code = 'MR_DATA_FOLDER_HELD';
}

/** No engine runs on the data folder, or it went away before it answered. */
export class EngineNotRunningError extends MillraceError {
  readonly code = 'MR_ENGINE_NOT_RUNNING';
}

/** The engine answered an administrative request with a refusal. */
export class AdminRequestError extends MillraceError {
  readonly code = 'MR_ADMIN_REQUEST';
}

/** A server that Millrace runs by itself cannot be made or started. */
export class EmbeddedServerError extends MillraceError {
  readonly code = 'MR_EMBEDDED_SERVER';
}

/** The control database cannot be reached: keys can be neither created nor revoked. Nothing was done. */
export class ControlUnavailableError extends MillraceError {
  readonly code = 'MR_CONTROL_UNAVAILABLE';
}

/** What was asked of the control log cannot be done: an unknown key, a bad merchant id. */
export class ControlRequestError extends MillraceError {
  readonly code = 'MR_CONTROL_REQUEST';
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Why a `fetch` of this URL failed: it says no more than that itself, and has the reason as its cause. */
export function fetchFailure(url: string, error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return `${url} does not answer: ${messageOf(cause ?? error) || 'no reason given'}`;
}
