/**
 * An open-loop load generator, in a process of its own: requests are sent at their intended times whether or not answers
 * come, and latency is measured from the intended time, so a stall counts for all who would have come meanwhile.
 *
 * Run as a child: the first message is a {@link GeneratorPlan}, each further one a {@link Phase} that is answered by a
 * {@link PhaseResult}. It ends with its parent.
 */
import { newHistogram, record } from '../figures/latency.js';
import { randomOf } from './arrivals.js';
import type { GeneratorPlan, Phase, PhaseResult } from './plan.js';
import { Sender } from './sender.js';
import { sourceOf } from './source.js';

const TICK_MS = 1;

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

  async run(phase: Phase): Promise<PhaseResult> {
    this.#lag = newHistogram();
    const began = performance.now();
    for (const [name, sender] of this.#senders) sender.begin(phase.sending[name], began);
    await this.#ticksUntil(() => performance.now() - began >= phase.ms);
    const ms = performance.now() - began;
    for (const sender of this.#senders.values()) sender.stop(began + ms);
    const settled = performance.now() + phase.settleMs;
    await this.#ticksUntil(() => this.#quiet || performance.now() >= settled);
    const groups = Object.fromEntries([...this.#senders].map(([name, sender]) => [name, sender.finish(ms)]));
    return { ms, groups, lagMs: this.#lag.getValueAtPercentile(99) / 1000 };
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
  void generator?.run(message).then((result) => process.send?.(result));
});
process.once('disconnect', () => process.exit());
