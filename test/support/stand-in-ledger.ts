/**
 * What an import needs of the API, in a few lines: keys are remembered, limits hold, order counts. It can be told to
 * fail in the ways that an engine fails.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

interface SentItem {
  readonly idempotency_key: string;
  readonly legs: readonly {
    readonly debit: string;
    readonly credit: string;
    readonly amount: string;
    readonly currency: string;
  }[];
  readonly open_accounts: Readonly<Record<string, { readonly min_balance?: null | number }>>;
  readonly effective_at?: string;
  readonly reference?: string;
}

/** Told before each batch what to do with it. */
export type Failure = 'none' | 'cut before' | 'cut after' | 'unavailable' | 'half overloaded';

export class StandInLedger {
  readonly balances = new Map<string, bigint>();
  readonly order: SentItem[] = [];
  readonly #limits = new Map<string, bigint | null>();
  readonly #outcomes = new Map<string, { readonly payload: string; readonly outcome: object }>();
  batches = 0;
  inFlightMax = 0;
  #inFlight = 0;
  fail: () => Failure = () => 'none';
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<StandInLedger> {
    const ledger = new StandInLedger();
    ledger.#server.listen(0, '127.0.0.1');
    await once(ledger.#server, 'listening');
    return ledger;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    if (request.url === '/healthz') return void response.end('{}');
    if (request.headers.authorization !== 'Bearer right') {
      return problem(response, 401, { code: 'unauthorized', detail: 'The API key is not known.' });
    }
    this.batches++;
    this.#inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.#inFlight);
    const failure = this.fail();
    const { transactions } = JSON.parse(body) as { readonly transactions: readonly SentItem[] };
    setImmediate(() => {
      this.#inFlight--;
      if (failure === 'cut before') return request.socket.destroy();
      if (failure === 'unavailable') return problem(response, 503, { code: 'draining', retryable: true });
      if (transactions.some(({ reference }) => reference === 'poison'))
        return problem(response, 400, { code: 'malformed_body', detail: 'poison' });
      const half = failure === 'half overloaded' ? transactions.length >> 1 : transactions.length;
      const overloaded = { status: 503, error: { code: 'overloaded', retryable: true } };
      const data = transactions.map((item, index) => (index < half ? this.#post(item) : overloaded));
      if (failure === 'cut after') return request.socket.destroy();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data }));
    });
  }

  #post(item: SentItem): object {
    const payload = JSON.stringify(item);
    const known = this.#outcomes.get(item.idempotency_key);
    if (known !== undefined) {
      return known.payload === payload
        ? known.outcome
        : { status: 422, error: { code: 'key_reused', detail: 'Another payload.', retryable: false } };
    }
    const outcome = this.#decide(item);
    this.#outcomes.set(item.idempotency_key, { payload, outcome });
    return outcome;
  }

  #decide(item: SentItem): object {
    this.order.push(item);
    const leg = item.legs[0] as SentItem['legs'][number]; // an import sends one leg
    for (const name of [leg.debit, leg.credit]) {
      if (this.#limits.has(name)) continue;
      const given = item.open_accounts[name]?.min_balance;
      this.#limits.set(
        name,
        given === undefined ? (name.startsWith('external/') ? null : 0n) : given === null ? null : BigInt(given),
      );
      this.balances.set(name, 0n);
    }
    const amount = BigInt(leg.amount);
    const left = (this.balances.get(leg.debit) ?? 0n) - amount;
    const limit = this.#limits.get(leg.debit) ?? null;
    if (limit !== null && left < limit) {
      return {
        status: 422,
        error: { code: 'insufficient_funds', detail: `${leg.debit} would fall below its limit.`, retryable: false },
      };
    }
    this.balances.set(leg.debit, left);
    this.balances.set(leg.credit, (this.balances.get(leg.credit) ?? 0n) + amount);
    const transaction = { id: `txn_${this.#outcomes.size}`, created_at: new Date().toISOString() };
    return { status: 201, transaction };
  }
}

function problem(response: ServerResponse, status: number, content: object): void {
  response
    .writeHead(status, { 'content-type': 'application/problem+json' })
    .end(JSON.stringify({ status, ...content }));
}
