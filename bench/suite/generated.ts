/** Measurements by the bench's own generator: open loops at fixed rates, and closed ones. */

import { lookAtCpu, usedSince } from '../cpu.js';
import type { Engine } from '../engine.js';
import { histogramText, merged, percentilesOf } from '../figures/latency.js';
import type { ClosedLoopFigures, OpenLoopFigures } from '../figures/schema.js';
import { LoadGenerator } from '../load/generator.js';
import type { GroupResult, PhaseResult, Requests, Sending } from '../load/plan.js';
import { FoldWatch, foldLag, sessionNames } from '../log.js';
import type { Books } from './books.js';

const GROUP = 'load';
const PATIENCE_MS = 5_000;
const SETTLE_MS = 10_000;
const LOOK_EVERY_MS = 250;
const OPEN_CONNECTIONS_MAX = 2_000;

export interface GeneratorOptions {
  readonly url: string;
  readonly requests: Requests;
  /** That stand ready. */
  readonly connections: number;
  readonly seed: number;
  readonly transactionsPerRequest: number;
}

interface Phase {
  readonly result: GroupResult;
  readonly seconds: number;
  readonly lagMs: number;
}

type Timed = Pick<
  OpenLoopFigures,
  'seconds' | 'connections' | 'requests' | 'errors' | 'p50Ms' | 'p90Ms' | 'p99Ms' | 'p999Ms' | 'maxMs' | 'histogram'
>;

/** Of a long open loop: latencies are those of what was intended in it, whenever it was answered. */
export interface OpenWindow extends Timed {
  /** Statuses that were not expected, and what else went wrong; what never happened is left out. */
  readonly errorsByKind: Readonly<Record<string, number>>;
  /** Transactions whose answer came while it lasted. */
  readonly postedPerSecond: number;
  readonly generatorLagP99Ms: number;
}

/** One process that sends the requests of one workload. */
export class Generated {
  readonly #options: GeneratorOptions;
  readonly #generator: LoadGenerator;
  readonly #books: Books | null;

  private constructor(options: GeneratorOptions, generator: LoadGenerator, books: Books | null) {
    this.#options = options;
    this.#generator = generator;
    this.#books = books;
  }

  /** @param books null where what is loaded is not the engine */
  static async start(options: GeneratorOptions, books: Books | null): Promise<Generated> {
    const { hostname, port } = new URL(options.url);
    const generator = await LoadGenerator.start({
      host: hostname,
      port: Number(port),
      seed: options.seed,
      groups: [
        {
          name: GROUP,
          requests: options.requests,
          connections: options.connections,
          connectionsMax: Math.max(options.connections, OPEN_CONNECTIONS_MAX),
          patienceMs: PATIENCE_MS,
        },
      ],
    });
    return new Generated(options, generator, books);
  }

  stop(): Promise<void> {
    return this.#generator.stop();
  }

  /** Not measured. */
  async warmUp(sending: Sending, seconds: number): Promise<void> {
    await this.#phase(sending, seconds);
  }

  /** @param repeats whose latencies are added up exactly */
  async open(engine: Engine, rate: number, seconds: number, repeats = 1): Promise<OpenLoopFigures> {
    const phases: Phase[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) phases.push(await this.#phase({ open: rate }, seconds));
    const lag = await foldLag(engine);
    this.#books?.loaded(lag);
    const answered = phases.reduce((sum, { result, seconds: took }) => sum + result.goodput * took, 0);
    const timed = timedOf(phases, this.#options.connections);
    return {
      ...timed,
      offeredPerSecond: rate,
      achievedPerSecond: answered / timed.seconds,
      generatorLagP99Ms: Math.max(...phases.map(({ lagMs }) => lagMs)),
      foldLagMs: lag.ms,
      foldLagRecords: lag.records,
    };
  }

  /** An open loop in windows that follow one another without a pause; each is given when its requests are answered. */
  async *windows(rate: number, seconds: number, windows: number): AsyncGenerator<OpenWindow> {
    const sending = { [GROUP]: { open: rate } };
    const answers = this.#generator.windows({ ms: seconds * 1000, sending, settleMs: SETTLE_MS, windows });
    for await (const answer of answers) {
      const phase = this.#taken(answer);
      const timed = timedOf([phase], this.#options.connections);
      yield {
        ...timed,
        errorsByKind: Object.fromEntries(Object.entries(errorsOf(phase.result)).filter(([, count]) => count > 0)),
        postedPerSecond: phase.result.postedPerSecond,
        generatorLagP99Ms: phase.lagMs,
      };
    }
  }

  /** Answers a second. */
  async closedRate(connections: number, seconds: number): Promise<number> {
    return (await this.#phase({ closed: connections }, seconds)).result.goodput;
  }

  async closed(
    engine: Engine,
    connections: number,
    seconds: number,
  ): Promise<Omit<ClosedLoopFigures, 'frontPerSecond'>> {
    const before = lookAtCpu(engine.pid, await sessionNames(engine), this.#generator.pid);
    const folds = new FoldWatch(engine, LOOK_EVERY_MS);
    const phase = await this.#phase({ closed: connections }, seconds);
    const lag = await folds.stop();
    this.#books?.loaded(lag);
    const cpu = usedSince(before, lookAtCpu(engine.pid, await sessionNames(engine), this.#generator.pid));
    // Of reads alone, a request.
    const done = Math.max(1, phase.result.posted === 0 ? phase.result.intended : phase.result.posted);
    return {
      ...timedOf([phase], connections),
      tps: phase.result.postedPerSecond,
      requestsPerSecond: phase.result.goodput,
      foldLagMs: lag.ms,
      foldLagRecords: lag.records,
      foldLag: folds.samples,
      cpuMicrosPerTransaction: Object.fromEntries([...cpu].map(([label, micros]) => [label, round(micros / done)])),
    };
  }

  async #phase(sending: Sending, seconds: number): Promise<Phase> {
    return this.#taken(
      await this.#generator.run({ ms: seconds * 1000, sending: { [GROUP]: sending }, settleMs: SETTLE_MS }),
    );
  }

  #taken(answer: PhaseResult): Phase {
    const result = answer.groups[GROUP];
    if (result === undefined) throw new Error('the generator said nothing of what it sent');
    this.#books?.add(result.posted, (result.unanswered + result.errors) * this.#options.transactionsPerRequest);
    return { result, seconds: answer.ms / 1000, lagMs: answer.lagMs };
  }
}

const round = (value: number): number => Math.round(value * 100) / 100;
const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

const errorsOf = ({ unexpected, errors, givenUp, unanswered }: GroupResult): Record<string, number> => ({
  ...unexpected,
  'connection lost': errors,
  'given up': givenUp,
  unanswered,
});

function timedOf(phases: readonly Phase[], connections: number): Timed {
  const sum = (of: (result: GroupResult) => number): number =>
    phases.reduce((total, { result }) => total + of(result), 0);
  const histogram = merged(phases.map(({ result }) => result.histogram));
  return {
    seconds: phases.reduce((total, { seconds }) => total + seconds, 0),
    connections,
    requests: sum(({ intended }) => intended),
    errors: sum((result) => sumOf(Object.values(errorsOf(result)))),
    ...percentilesOf(histogram),
    histogram: histogramText(histogram),
  };
}
