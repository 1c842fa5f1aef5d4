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
    super('the connection was lost');
  }
}

/** The simulator itself is wrong: never to be taken for a fault of the world. */
export class HarnessError extends Error {}
