/** How many bad clients there are of each kind. */
export interface BadCompany {
  readonly host: string;
  readonly port: number;
  readonly apiKey: string;
  /** Keep-alive connections that were used once and send nothing; opened again when the engine ends them. */
  readonly idle: number;
  /** Clients that send a byte a second of a request; begun again when the engine ends them. */
  readonly drips: number;
  /** Clients that ask for the largest page again and again and never read. */
  readonly deaf: number;
  /** How often each of them asks, ms. */
  readonly deafEveryMs: number;
  /** Clients that announce a body, send half of it and fall silent. */
  readonly halves: number;
  /** Connects and resets a second, half of them in the middle of a request. */
  readonly storm: number;
}

/** What became of them so far. */
export interface CompanyReport {
  /** Connections that are open now. */
  readonly open: number;
  readonly opened: number;
  readonly endedByEngine: number;
  readonly refused: number;
  readonly deafRequests: number;
}
