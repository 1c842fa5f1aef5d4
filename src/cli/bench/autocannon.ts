/**
 * Load by autocannon, in this process. It takes a whole core well before the engine does, so what it measures on a small
 * machine is the two together; it shows each answer's latency, which goes to an HDR histogram in microseconds.
 */
import autocannon from 'autocannon';
import { build } from 'hdr-histogram-js';
import type { Histogram } from 'hdr-histogram-js';
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
  const numbers = new Numbers(plan.run);
  const clients: Client[] = [];
  const histogram = build({ highestTrackableValue: LATENCY_MAX_US, numberOfSignificantValueDigits: 3 });
  const { countInBody } = plan;
  let posted = 0;
  let lastAnswerAt = performance.now();
  const requests = plan.templates.map((template) => new ReadyRequest(template));
  let turn = 0;
  const startedAt = performance.now();
  const instance = autocannon({
    url: plan.url,
    method: 'POST',
    connections: plan.connections,
    duration: plan.durationS + DRAIN_S,
    timeout: REQUEST_TIMEOUT_S,
    setupClient: (published) => {
      const client = published as unknown as Client;
      // In place of autocannon's own building of a request from headers and body, which costs more than sending it.
      client.getRequestBuffer = () => {
        const request = requests[turn] as ReadyRequest; // turn is below its length
        turn = (turn + 1) % requests.length;
        return request.numbered(numbers);
      };
      clients.push(client);
    },
    ...(countInBody === null
      ? {}
      : {
          verifyBody: (body) => {
            posted += occurrences(String(body), countInBody);
            return true;
          },
        }),
  });
  instance.on('response', (_client, statusCode, _bytes, responseTimeMs) => {
    lastAnswerAt = performance.now();
    histogram.recordValue(Math.min(LATENCY_MAX_US, Math.round(responseTimeMs * 1000)));
    if (countInBody === null && statusCode >= 200 && statusCode < 300) posted += plan.transactionsPerRequest;
  });
  // Each connection ends with the answer that it waits for: nothing that was sent goes unanswered.
  const end = setTimeout(() => {
    for (const client of clients) client.responseMax = Math.max(1, client.reqsMade);
  }, plan.durationS * 1000);
  const result = await instance;
  clearTimeout(end);
  const answers = histogram.totalCount;
  const sent = clients.reduce((sum, client) => sum + client.reqsMade, 0);
  return {
    driver: 'autocannon',
    seconds: (lastAnswerAt - startedAt) / 1000,
    answers,
    non2xx: result.non2xx,
    unanswered: Math.max(0, sent - answers),
    errors: result.errors,
    posted,
    latency: latenciesOf(histogram),
  };
}

/** Fresh numbers of {@link NUMBER_LENGTH} characters: the run, then a count. */
class Numbers {
  readonly #run: string;
  readonly #digits: number;
  #count = 0;

  constructor(run: string) {
    this.#run = `${run}a`;
    this.#digits = NUMBER_LENGTH - this.#run.length;
  }

  next(): string {
    return this.#run + String(this.#count++).padStart(this.#digits, '0');
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
  numbered(numbers: Numbers): Buffer {
    const bytes = Buffer.allocUnsafe(this.#bytes.length);
    this.#bytes.copy(bytes);
    const number = numbers.next();
    for (const place of this.#places) bytes.latin1Write(number, place);
    return bytes;
  }
}

export function occurrences(text: string, word: string): number {
  let count = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) count++;
  return count;
}

function latenciesOf(histogram: Histogram): Latencies {
  const ms = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return { p50: ms(50), p90: ms(90), p99: ms(99), p999: ms(99.9), max: histogram.maxValue / 1000 };
}
