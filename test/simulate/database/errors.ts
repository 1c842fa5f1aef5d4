/** What a server says, and what a driver says of a connection. */
export class ServerError extends Error {
  readonly severity = 'ERROR';

  constructor(
    message: string,
    /** SQLSTATE. */
    readonly code: string,
    readonly table?: string,
  ) {
    super(message);
  }
}

export class ConnectionLost extends Error {
  readonly code = 'ECONNRESET';

  constructor() {
    // Thousands of a run: where they come from is no secret, and a stack costs more than all the rest of it.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super('the connection was lost');
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** The simulator itself is wrong: never to be taken for a fault of the world. */
export class HarnessError extends Error {}
