/** Where a generator's requests come from. */
import { type RequestTemplate, RUN_LENGTH } from '../../src/cli/bench/load.js';
import { requestWorkload } from '../workloads/registry.js';
import type { GeneratorPlan, Requests } from './plan.js';
import { type LoadRequest, numbersOf, one, type RequestSource } from './request.js';

/** @param random what makes keys those of no other generator and no other group, and what chooses */
export function sourceOf({ host, port }: GeneratorPlan, requests: Requests, random: () => number): RequestSource {
  const run = runOf(random);
  if ('templates' in requests) return new Templates(requests.templates, run);
  return requestWorkload(requests.workload).source({ host: `${host}:${port}`, keys: requests.keys, random, run });
}

const runOf = (random: () => number): string =>
  Math.floor(random() * 16 ** RUN_LENGTH)
    .toString(16)
    .padStart(RUN_LENGTH, '0');

class Templates implements RequestSource {
  readonly #templates: readonly RequestTemplate[];
  readonly #number: () => string;
  #turn = 0;

  constructor(templates: readonly RequestTemplate[], run: string) {
    this.#templates = templates;
    this.#number = numbersOf(run);
  }

  next(): LoadRequest {
    const template = this.#templates[this.#turn++ % this.#templates.length];
    if (template === undefined) throw new Error('a group without requests');
    return { text: template.pieces.join(this.#number()), wantsBody: false, refusal: null, posted: one };
  }
}
