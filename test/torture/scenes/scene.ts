/** Merchants at work on an engine, and one round of trouble with the checks after it. */
import { setTimeout as delay } from 'node:timers/promises';
import { millrace } from '../../crash/support/processes.js';
import { countUnknown, proveAgain, proveLog, settleAll } from '../checks/answers.js';
import { proveBalances } from '../checks/balances.js';
import { must } from '../checks/failure.js';
import type { LogFollower } from '../checks/log-follower.js';
import type { Merchant } from '../clients/merchant.js';
import type { Counters } from '../counters.js';
import { checkHistory } from '../history/checker.js';
import type { Random } from '../random.js';

/** Something that goes wrong. Resolves when it is over; what it broke mends itself or was mended by it. */
export interface Fault {
  readonly name: string;
  /** How often it comes, next to the others. */
  readonly weight: number;
  run(): Promise<void>;
}

export interface SceneOptions {
  readonly merchants: readonly Merchant[];
  /** By shard. */
  readonly logs: readonly LogFollower[];
  /** For the program's other commands. */
  readonly env: () => Readonly<Record<string, string>>;
  readonly counters: Counters;
  readonly random: Random;
  readonly say: (line: string) => void;
}

const RECOVERY_MS_MAX = 60_000;
const LOOK_MS = 10;
/** Answers of earlier rounds that are asked for again after each one. */
const SAMPLE = 40;

export class Scene {
  readonly options: SceneOptions;
  /** Where the entries of this round begin. */
  readonly #from = new Map<Merchant, number>();

  constructor(options: SceneOptions) {
    this.options = options;
  }

  /** @throws Broken at the first thing that is not as promised; nobody is at work any more then */
  async round(faults: readonly Fault[]): Promise<void> {
    try {
      await this.#troubled(faults);
    } catch (error) {
      for (const merchant of this.options.merchants) merchant.leave();
      throw error;
    }
    this.options.counters.add('rounds');
  }

  async #troubled(faults: readonly Fault[]): Promise<void> {
    const { merchants, counters, say } = this.options;
    for (const merchant of merchants) this.#from.set(merchant, merchant.journal.entries.length);
    await this.noteEpochs();
    for (const merchant of merchants) merchant.start();
    await this.posted(15);
    for (const fault of faults) {
      await this.noteEpochs();
      const began = performance.now();
      await fault.run();
      const over = performance.now();
      await this.posted(3);
      const again = performance.now() - over;
      counters.add(`fault: ${fault.name}`);
      counters.took(`ready again after: ${fault.name}`, again);
      say(`  ${fault.name}: ${Math.round(over - began)} ms, work again after ${Math.round(again)} ms`);
    }
    await Promise.all(merchants.map((merchant) => merchant.stop()));
    this.#clientsAreWell();
    await this.check();
  }

  /** Resolves when every merchant has had so many more successes. */
  async posted(more: number, merchants = this.options.merchants): Promise<void> {
    const wanted = merchants.map(({ journal }) => journal.posted + more);
    const giveUp = performance.now() + RECOVERY_MS_MAX;
    while (merchants.some(({ journal }, index) => journal.posted < (wanted[index] ?? 0))) {
      this.#clientsAreWell();
      must(performance.now() < giveUp, () => 'the engine does not work again');
      await delay(LOOK_MS);
    }
  }

  #clientsAreWell(): void {
    for (const { wrong } of this.options.merchants) if (wrong !== null) throw wrong;
  }

  /** Looks up the epochs; requests sent from now on carry them. */
  async noteEpochs(): Promise<void> {
    const { merchants, logs } = this.options;
    await Promise.all(logs.map((log) => log.look()));
    for (const merchant of merchants) merchant.epoch = logs[merchant.shard]?.epoch ?? 0;
  }

  /** With nobody at work: all that must be true after whatever happened. */
  async check(): Promise<void> {
    const { merchants, logs, counters, env } = this.options;
    await Promise.all(logs.map((log) => log.follow()));
    logs.forEach((log, shard) => {
      countUnknown(
        merchants.filter((merchant) => merchant.shard === shard),
        this.#from,
        log,
        counters,
      );
    });
    await Promise.all(merchants.map((merchant) => settleAll(merchant)));
    await Promise.all(merchants.map((merchant) => this.#readLists(merchant)));
    await Promise.all(logs.map((log) => log.follow()));
    const verified = millrace(['verify'], env());
    for (const merchant of merchants) {
      const log = logs[merchant.shard];
      if (log === undefined) throw new Error('a merchant is of a shard that is not there');
      proveLog(merchant, log);
      await proveAgain(merchant, this.#recentAndSome(merchant), counters);
      await proveBalances(merchant, log.url);
    }
    const { code, out, err } = await verified;
    must(code === 0, () => `verify ends with ${code}: ${out}${err}`);
    counters.add('verify runs that were clean');
    this.checkHistories();
  }

  checkHistories(): void {
    for (const { name, journal } of this.options.merchants) {
      const history = journal.history();
      const [first] = checkHistory(history);
      must(first === undefined, () => `${name}: ${first?.name}: ${first?.what}`);
    }
  }

  async #readLists(merchant: Merchant): Promise<void> {
    for (const list of merchant.journal.lists) {
      if (!merchant.isCurrent(list)) continue;
      const giveUp = performance.now() + RECOVERY_MS_MAX;
      while (!(await merchant.readNow(list))) {
        must(performance.now() < giveUp, () => `${list} cannot be read`);
        await delay(LOOK_MS);
      }
    }
  }

  #recentAndSome(merchant: Merchant) {
    const { entries } = merchant.journal;
    const from = this.#from.get(merchant) ?? 0;
    const earlier = Array.from({ length: Math.min(SAMPLE, from) }, () => this.options.random.between(0, from - 1));
    return [...entries.slice(from), ...[...new Set(earlier)].flatMap((index) => entries[index] ?? [])];
  }
}
