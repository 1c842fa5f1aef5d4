/** One request and what came back, or that nothing did. */

export interface Answer {
  readonly status: number;
  /** Null where the header is missing. */
  readonly retryAfter: string | null;
  readonly token: string | null;
  readonly replayed: boolean;
  readonly text: string;
  readonly body: Body;
  readonly tookMs: number;
}

/** What the clients look at. */
export interface Body {
  readonly id?: string;
  readonly code?: string;
  readonly outcome?: string;
  readonly final?: boolean;
  readonly sequence?: number;
  readonly balances?: { readonly posted: number };
  readonly data?: readonly { readonly reference?: string }[];
  readonly next_cursor?: string | null;
}

export interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  /** Idempotency key. */
  readonly key?: string;
  readonly token?: string;
}

/** Longer than any answer of an engine that lives takes. */
const PATIENCE_MS = 16_000;

/** @returns null: no answer, and nobody knows */
export async function ask(
  url: string,
  apiKey: string,
  request: Request,
  patienceMs = PATIENCE_MS,
): Promise<Answer | null> {
  const { method, path, body, key, token } = request;
  const began = performance.now();
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        ...(token === undefined ? {} : { 'Consistency-Token': token }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    const text = await response.text();
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      token: response.headers.get('consistency-token'),
      replayed: response.headers.get('idempotency-replayed') === 'true',
      text,
      body: JSON.parse(text) as Body,
      tookMs: performance.now() - began,
    };
  } catch {
    return null;
  }
}

/** An answer that settles its key for ever. */
export const isFinal = (answer: Answer | null): answer is Answer =>
  answer !== null && (answer.status === 201 || answer.body.final === true);

/** Nobody knows whether the request did something. */
export const isUnknown = (answer: Answer | null): boolean => answer === null || answer.body.outcome === 'unknown';

/** As it was sent, but for the name of the request, which is each request's own. */
export const textOf = ({ text }: Answer): string => text.replace(/"request_id":"[^"]*"/, '');

export const accountPath = (name: string): string => `/v1/accounts/${encodeURIComponent(name)}`;
