/**
 * Load by autocannon, in this process. It takes a whole core well before the engine does, so what it measures on a small
 * machine is the two together; it shows each answer's latency, which goes to an HDR histogram in microseconds.
 */
import autocannon from 'autocannon';
import { build } from 'hdr-histogram-js';
import type { Latencies, LoadDriver, LoadPlan, LoadResult, RequestTemplate } from './load.js';
import { NUMBER_LENGTH } from './load.js';

/** What is used of autocannon's client beyond its published types. */
interface Client {
  /** The bytes to write next. */
  getRequestBuffer: () => Buffer;
  readonly reqsMade: number;
  /** Once this many requests are answered, the client ends. */
  responseMax?: number;
}

/** How long answers that are under way at the end are waited for. */
const DRAIN_S = 20;
const REQUEST_TIMEOUT_S = 15;
/** Microseconds; longer ones are counted as this. */
const LATENCY_MAX_US = 60_000_000;

export const autocannonDriver: LoadDriver = { name: 'autocannon', run };

async function run(plan: LoadPlan): Promise<LoadResult> {
  const { connections, durationS } = plan;
  const requests = new RequestSource(plan);
  const answers = new Answers(plan);
  const clients: Client[] = [];
  const startedAt = performance.now();
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      {
        url: plan.url,
        method: 'POST',
        connections,
        duration: durationS + DRAIN_S,
        timeout: REQUEST_TIMEOUT_S,
        setupClient: (published) => {
          const client = published as unknown as Client;
          // In place of autocannon's own building of a request from headers and body, which costs more than sending it.
          client.getRequestBuffer = () => requests.next();
          clients.push(client);
        },
        ...(plan.countInBody === null ? {} : { verifyBody: (body: unknown) => answers.body(String(body)) }),
      },
      (error: unknown, finished) => (error ? reject(error) : resolve(finished)),
    );
    instance.on('response', (_client, status, _bytes, tookMs) => answers.response(status, tookMs));
    // Each connection ends with the answer that it waits for: nothing that was sent goes unanswered.
    setTimeout(() => {
      for (const client of clients) client.responseMax = Math.max(1, client.reqsMade);
    }, durationS * 1000);
  });
  const sent = clients.reduce((sum, client) => sum + client.reqsMade, 0);
  return {
    driver: 'autocannon',
    seconds: (answers.lastAt - startedAt) / 1000,
    answers: answers.count,
    non2xx: result.non2xx,
    unanswered: Math.max(0, sent - answers.count),
    errors: result.errors,
    posted: answers.posted,
    latency: answers.latencies(),
  };
}

/** What came back. */
class Answers {
  lastAt = performance.now();
  posted = 0;
  readonly #plan: LoadPlan;
  readonly #histogram = build({ highestTrackableValue: LATENCY_MAX_US, numberOfSignificantValueDigits: 3 });

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  response(status: number, tookMs: number): void {
    this.lastAt = performance.now();
    this.#histogram.recordValue(Math.min(LATENCY_MAX_US, Math.round(tookMs * 1000)));
    if (this.#plan.countInBody === null && status >= 200 && status < 300)
      this.posted += this.#plan.transactionsPerRequest;
  }

  body(text: string): boolean {
    this.posted += occurrences(text, this.#plan.countInBody ?? '');
    return true;
  }

  latencies(): Latencies {
    const ms = (percentile: number): number => this.#histogram.getValueAtPercentile(percentile) / 1000;
    return { p50: ms(50), p90: ms(90), p99: ms(99), p999: ms(99.9), max: this.#histogram.maxValue / 1000 };
  }
}

/** Requests in turn, each with a fresh number: the run, then a count. */
class RequestSource {
  readonly #requests: readonly ReadyRequest[];
  readonly #prefix: string;
  #turn = 0;
  #count = 0;

  constructor(plan: LoadPlan) {
    this.#requests = plan.templates.map((template) => new ReadyRequest(template));
    this.#prefix = `${plan.run}a`;
  }

  next(): Buffer {
    const request = this.#requests[this.#turn] as ReadyRequest; // the turn is below their number
    this.#turn = (this.#turn + 1) % this.#requests.length;
    return request.numbered(this.#prefix + String(this.#count++).padStart(NUMBER_LENGTH - this.#prefix.length, '0'));
  }
}

/** The bytes of a template with the places of its number: made once, numbered again and again. */
class ReadyRequest {
  readonly #bytes: Buffer;
  readonly #places: readonly number[];

  constructor(template: RequestTemplate) {
    this.#bytes = Buffer.from(template.pieces.join('#'.repeat(NUMBER_LENGTH)), 'latin1');
    const places: number[] = [];
    let at = 0;
    for (const piece of template.pieces.slice(0, -1)) {
      at += piece.length;
      places.push(at);
      at += NUMBER_LENGTH;
    }
    this.#places = places;
  }

  /** A copy: the socket may still hold the last one. */
  numbered(number: string): Buffer {
    const bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#bytes.copy(bytes);
    for (const place of this.#places) bytes.write(number, place, 'latin1');
    return bytes;
  }
}

/** How often a word stands in a text; 0 for the empty word. */
export function occurrences(text: string, word: string): number {
  if (word === '') return 0;
  let count = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) count++;
  return count;
}
