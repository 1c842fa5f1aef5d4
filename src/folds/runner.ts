/**
 * Keeps the folds of one shard close behind its log.
 *
 * Busy: steps of many records with rests between them (step-pace.ts).
 * A reader who needs more takes a step himself (read/shard-reader.ts). Idle: pauses that grow to a second, cut short by a
 * poke. It never throws: a failed step is told and tried again later, and one shard's failures are no other's.
 */
import type { Sql } from '../store/sql.js';
import { StepPace } from './step-pace.js';

export interface FoldLag {
  readonly shard: string;
  readonly position: number;
  readonly head: number;
  readonly lagRecords: number;
  /** Age of the first record that is not folded; 0 where all are. */
  readonly lagMs: number;
}

export interface FoldRunnerOptions {
  readonly shard: string;
  readonly sql: Sql;
  /** Records a step. @defaultValue 800_000 */
  readonly stepRecordsMax?: number;
  /** Shortest pause between steps, so that a trickle of commits is folded together. @defaultValue 50 */
  readonly pauseMsMin?: number;
  /** Longest pause while nothing comes. @defaultValue 1_000 */
  readonly idlePauseMsMax?: number;
  /** Before the first step, after every one, and whenever the end of the log is reached. */
  readonly onLag?: (lag: FoldLag) => void;
  readonly onError?: (error: Error, retryInMs: number) => void;
}

export const STEP_RECORDS_MAX = 800_000;
const PAUSE_MS_MIN = 50;
const IDLE_PAUSE_MS_MAX = 1_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 30_000;

interface Step {
  readonly folded: number;
  readonly position: number;
  readonly head: number;
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

export class FoldRunner {
  readonly #options: FoldRunnerOptions;
  readonly #stepRecordsMax: number;
  readonly #pace: StepPace;
  #stopping = false;
  #poked = false;
  #wake: (() => void) | null = null;
  #running: Promise<void> | null = null;

  constructor(options: FoldRunnerOptions) {
    this.#options = options;
    this.#stepRecordsMax = options.stepRecordsMax ?? STEP_RECORDS_MAX;
    this.#pace = new StepPace(this.#stepRecordsMax);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something was committed: look as soon as the pause that spares the database is over. */
  poke(): void {
    this.#poked = true;
    this.#wake?.();
  }

  /** Resolves when the step under way has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    const pauseMsMin = this.#options.pauseMsMin ?? PAUSE_MS_MIN;
    const idlePauseMsMax = this.#options.idlePauseMsMax ?? IDLE_PAUSE_MS_MAX;
    let idlePauseMs = pauseMsMin;
    let retryMs = RETRY_MS_MIN;
    let isTold = false;
    while (!this.#stopping) {
      this.#poked = false;
      const startedAt = performance.now();
      try {
        // The first step may be long: what there is to do is said before it.
        if (!isTold) await this.#tellPlace();
        isTold = true;
        const step = await this.#step();
        retryMs = RETRY_MS_MIN;
        if (step.folded > 0) {
          idlePauseMs = pauseMsMin;
          const backlog = { records: step.head - step.position, head: step.head };
          const restMs = this.#pace.restMs(startedAt, performance.now(), backlog);
          await this.#pause(Math.max(restMs, pauseMsMin), false);
        } else {
          await this.#pause(idlePauseMs, true);
          idlePauseMs = Math.min(idlePauseMs * 2, idlePauseMsMax);
        }
      } catch (thrown) {
        // Jitter: shards of one server that fails do not come back all at once.
        const retryInMs = retryMs * (0.5 + Math.random() / 2);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
        this.#options.onError?.(asError(thrown), retryInMs);
        await this.#pause(retryInMs, false);
      }
    }
  }

  async #step(): Promise<Step> {
    const { sql, onLag } = this.#options;
    const [row] = await sql.query('SELECT from_position, to_position, head FROM fold_step($1)', [this.#stepRecordsMax]);
    const position = Number(row?.to_position ?? 0);
    const head = Number(row?.head ?? 0);
    const folded = position - Number(row?.from_position ?? 0);
    if (onLag !== undefined) await this.#tell(position, head);
    return { folded, position, head };
  }

  async #tellPlace(): Promise<void> {
    const { sql, onLag } = this.#options;
    if (onLag === undefined) return;
    const [row] = await sql.query(
      `SELECT f.position, (SELECT b.last FROM batch b ORDER BY b.prev DESC LIMIT 1) AS head
         FROM fold f WHERE f.name = 'balances'`,
    );
    await this.#tell(Number(row?.position ?? 0), Number(row?.head ?? 0));
  }

  async #tell(position: number, head: number): Promise<void> {
    const { shard, onLag } = this.#options;
    // Another session may have folded beyond the head that this one saw.
    const lagRecords = Math.max(head - position, 0);
    onLag?.({ shard, position, head, lagRecords, lagMs: lagRecords === 0 ? 0 : await this.#lagMs(position) });
  }

  async #lagMs(position: number): Promise<number> {
    const [row] = await this.#options.sql.query(
      `SELECT (extract(epoch FROM clock_timestamp() - l.recorded_at) * 1000)::float8 AS ms FROM log l WHERE l.position = $1`,
      [position + 1],
    );
    return Math.max(Math.round(Number(row?.ms ?? 0)), 0);
  }

  /** @param canPoke an idle pause ends at a poke; the others spare the database and end by themselves or at stop */
  async #pause(ms: number, canPoke: boolean): Promise<void> {
    if (this.#stopping || (canPoke && this.#poked)) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.#wake = () => {
        if (canPoke || this.#stopping) finish();
      };
    });
  }
}
