/**
 * An open-loop load generator, in a process of its own: requests are sent at their intended times whether or not answers
 * come, and latency is measured from the intended time, so a stall counts for all who would have come meanwhile.
 *
 * Run as a child: the first message is a {@link GeneratorPlan}, each further one a {@link Phase} that is answered by a
 * {@link PhaseResult}, or by one for each of its windows. It ends with its parent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { newHistogram, record } from '../figures/latency.js';
import { randomOf } from './arrivals.js';
import type { GeneratorPlan, Phase, PhaseResult } from './plan.js';
import { Sender } from './sender.js';
import { sourceOf } from './source.js';

const TICK_MS = 1;
/** At answers that come when their window has ended. */
const LOOK_MS = 5;

class Generator {
  readonly #senders = new Map<string, Sender>();
  #lag = newHistogram();

  constructor(plan: GeneratorPlan) {
    const random = randomOf(plan.seed);
    for (const group of plan.groups) {
      const source = sourceOf(plan, group.requests, random);
      this.#senders.set(group.name, new Sender(plan, group, source, random, (ms) => record(this.#lag, ms)));
    }
  }

  /** @param tell is given the result of each window, in their order */
  async run(phase: Phase, tell: (result: PhaseResult) => void): Promise<void> {
    this.#lag = newHistogram();
    let began = performance.now();
    let end = began;
    let told = Promise.resolve();
    for (const [name, sender] of this.#senders) sender.begin(phase.sending[name], began);
    for (let left = phase.windows ?? 1; left > 1; left--) {
      // By the clock and not by the one before, so that none drifts; but after a stall none is nothing.
      end = Math.max(end + phase.ms, began + phase.ms / 2);
      await this.#ticksUntil(() => performance.now() >= end);
      const now = performance.now();
      const answered = this.#turn(phase, now - began, now);
      told = Promise.all([told, answered]).then(([, result]) => tell(result));
      began = now;
    }
    const last = await this.#last(phase, began, end + phase.ms);
    await told;
    tell(last);
  }

  /** Ends a window and begins the next; its result comes when its answers have, or when they are not waited for any longer. */
  async #turn(phase: Phase, ms: number, now: number): Promise<PhaseResult> {
    const tallies = [...this.#senders].map(([name, sender]) => [name, sender.turn(phase.sending[name], now)] as const);
    const lagMs = this.#lagMs;
    this.#lag = newHistogram();
    const settled = now + phase.settleMs;
    while (performance.now() < settled && tallies.some(([, { owed }]) => owed > 0)) await delay(LOOK_MS);
    const groups = tallies.map(([name, tally]) => {
      tally.unanswered = tally.owed;
      return [name, tally.result(ms)] as const;
    });
    return { ms, groups: Object.fromEntries(groups), lagMs };
  }

  async #last(phase: Phase, began: number, end: number): Promise<PhaseResult> {
    await this.#ticksUntil(() => performance.now() >= end);
    const ms = performance.now() - began;
    for (const sender of this.#senders.values()) sender.stop(began + ms);
    const settled = performance.now() + phase.settleMs;
    await this.#ticksUntil(() => this.#quiet || performance.now() >= settled);
    const groups = Object.fromEntries([...this.#senders].map(([name, sender]) => [name, sender.finish(ms)]));
    return { ms, groups, lagMs: this.#lagMs };
  }

  get #lagMs(): number {
    return this.#lag.getValueAtPercentile(99) / 1000;
  }

  get #quiet(): boolean {
    return [...this.#senders.values()].every(({ quiet }) => quiet);
  }

  #ticksUntil(over: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const tick = (): void => {
        const now = performance.now();
        for (const sender of this.#senders.values()) sender.tick(now);
        if (over()) resolve();
        else setTimeout(tick, TICK_MS);
      };
      tick();
    });
  }
}

let generator: Generator | null = null;
process.on('message', (message: GeneratorPlan | Phase) => {
  if ('groups' in message) {
    generator = new Generator(message);
    process.send?.('ready');
    return;
  }
  void generator?.run(message, (result) => process.send?.(result));
});
process.once('disconnect', () => process.exit());
