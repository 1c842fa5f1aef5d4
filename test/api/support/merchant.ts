/** A merchant of a test's own: its side of the API, where each answer is looked at as it comes. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { Api, type ApiAnswer, type ApiOptions } from '../../support/api.js';
import type { ApiDocument } from './document.js';
import type { ProblemTable } from './problem.js';

export interface Leg {
  readonly debit: string;
  readonly credit: string;
  readonly amount: number | string;
  readonly currency: string;
}

export const leg = (debit: string, credit: string, amount: number | string, currency = 'EUR'): Leg => ({
  debit,
  credit,
  amount,
  currency,
});

export interface Balances {
  readonly posted: number | string;
  readonly pending_in: number | string;
  readonly pending_out: number | string;
  readonly available: number | string;
}

export class Merchant extends Api {
  /** Of the last answer. */
  token = '';

  constructor(
    url: string,
    apiKey: string,
    readonly problems: ProblemTable,
    readonly document: ApiDocument,
    readonly merchantId: string,
  ) {
    super(url, apiKey);
  }

  override async send(method: string, path: string, body: unknown, options: ApiOptions = {}): Promise<ApiAnswer> {
    return this.#noted(method, path, await super.send(method, path, body, options));
  }

  /** A body as it is, of any type, with exactly these headers beside the API key. */
  async bytes(
    method: string,
    path: string,
    body: Uint8Array | string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ApiAnswer & { readonly bytes: Buffer }> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.apiKey}`, ...headers },
      body,
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = bytes.toString();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    const answer = {
      status: response.status,
      headers: response.headers,
      text,
      bytes,
      body: isJson ? JSON.parse(text) : undefined,
    };
    this.#noted(method, path, answer);
    return answer;
  }

  #noted(method: string, path: string, answer: ApiAnswer): ApiAnswer {
    this.token = answer.headers.get('consistency-token') ?? this.token;
    if (answer.status >= 400) this.problems.check(answer);
    this.document.check(method, path, answer);
    return answer;
  }

  /** A read that is not older than any answer so far. */
  read(path: string): Promise<ApiAnswer> {
    return this.get(path, this.token === '' ? {} : { headers: { 'Consistency-Token': this.token } });
  }

  /** The body of a read that must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  async body(path: string): Promise<any> {
    const answer = await this.read(path);
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  account(name: string): Promise<any> {
    return this.body(accountPath(name));
  }

  async balances(name: string): Promise<Balances> {
    return (await this.account(name)).balances;
  }

  async posted(name: string): Promise<number | string> {
    return (await this.balances(name)).posted;
  }

  /** All items of a list, page by page. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  async list(path: string, limit = 1000): Promise<any[]> {
    const data: unknown[] = [];
    let cursor: string | null = null;
    do {
      const join = path.includes('?') ? '&' : '?';
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.body(`${path}${join}limit=${limit}${from}`);
      expect(page.data.length).toBeLessThanOrEqual(limit);
      data.push(...page.data);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return data;
  }

  /** A success that the rest of a test stands on. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  async must(path: string, body: unknown, options: ApiOptions = {}): Promise<any> {
    const answer = await this.post(path, body, options);
    expect([200, 201], answer.text).toContain(answer.status);
    return answer.body;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  open(name: string, more: object = {}): Promise<any> {
    return this.must('/v1/accounts', { name, currency: 'EUR', ...more });
  }

  /** Money from outside, so that an account has some. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  fund(name: string, amount: number | string, currency = 'EUR'): Promise<any> {
    const legs = [leg(`external/bank/${currency}`, name, amount, currency)];
    return this.must('/v1/transactions', { legs, open_accounts: true });
  }

  // biome-ignore lint/suspicious/noExplicitAny: the tests are the schema here
  hold(legs: readonly Leg[], more: object = {}): Promise<any> {
    return this.must('/v1/transactions', { legs, open_accounts: true, pending: true, ...more });
  }

  act(
    id: string,
    action: 'capture' | 'void' | 'increment' | 'reverse',
    body?: object,
    options: ApiOptions = {},
  ): Promise<ApiAnswer> {
    return this.post(`/v1/transactions/${id}/${action}`, body, options);
  }
}

export const accountPath = (name: string): string => `/v1/accounts/${encodeURIComponent(name)}`;

export const freshKey = (): string => randomUUID();

/** A refusal, by its code and where it points. */
export function expectProblem(answer: ApiAnswer, status: number, code: string, param?: string): void {
  expect({ status: answer.status, code: answer.body?.code }, answer.text).toEqual({ status, code });
  if (param !== undefined) expect(answer.body.param, answer.text).toBe(param);
}
