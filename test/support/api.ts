/** A merchant's side of the API, for tests: JSON in, JSON out, unique keys. */
import { randomUUID } from 'node:crypto';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  // Bodies are looked into by expectations, which say what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  readonly body: any;
  readonly text: string;
}

export interface ApiOptions {
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export class Api {
  constructor(
    readonly url: string,
    readonly apiKey: string,
  ) {}

  get(path: string, options: ApiOptions = {}): Promise<ApiAnswer> {
    return this.send('GET', path, undefined, { key: null, ...options });
  }

  /** With a fresh idempotency key, unless one is given; null for none. */
  post(path: string, body: unknown, options: ApiOptions = {}): Promise<ApiAnswer> {
    return this.send('POST', path, body, options);
  }

  patch(path: string, body: unknown, options: ApiOptions = {}): Promise<ApiAnswer> {
    return this.send('PATCH', path, body, options);
  }

  async send(method: string, path: string, body: unknown, { key, headers = {} }: ApiOptions = {}): Promise<ApiAnswer> {
    const idempotency = key === undefined ? randomUUID() : key;
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.apiKey}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(idempotency === null ? {} : { 'Idempotency-Key': idempotency }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
  }

  /** The usual posting of one leg, accounts opened at first use. */
  transfer(
    debit: string,
    credit: string,
    amount: number | string,
    more: object = {},
    options: ApiOptions = {},
  ): Promise<ApiAnswer> {
    const legs = [{ debit, credit, amount, currency: 'EUR' }];
    return this.post('/v1/transactions', { legs, open_accounts: true, ...more }, options);
  }
}
