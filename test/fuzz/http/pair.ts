/** The same merchant on both engines: every request goes to both, and both must answer alike. */
import { setTimeout as delay } from 'node:timers/promises';
import { difference, isRefusedBelow, type Judged } from './judge.js';
import { ACCOUNTS, MARK, OWN_VAULT, SOURCE, TOKEN } from './names.js';
import { written } from './request.js';
import type { Sender } from './sender.js';

/** A request after which something is not as it must be. */
export class Finding extends Error {
  constructor(
    message: string,
    /** What was sent to these merchants, the last being what showed it. */
    readonly requests: readonly string[],
    /** What the default kind of engine answered to each but the last. */
    readonly answers: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Kept to tell a finding's story; what lies further back has seldom to do with it. */
const HISTORY = 30;
const PROBE_ACCOUNT = 'probe';
/** One front has refused and the other says nothing: it waits for the rest of what it takes for a request. */
const WAITS_FOR_MORE_MS = 300;

export class Pair {
  readonly #history: { readonly template: string; said: string }[] = [];
  readonly #stragglers: Promise<void>[] = [];
  #probes = 0;
  /** By what was answered: how much of the API a run has reached. */
  readonly counts: Map<string, number>;

  constructor(
    readonly sides: readonly [Sender, Sender],
    counts: Map<string, number>,
  ) {
    this.counts = counts;
  }

  /** @throws Finding */
  ask(template: string): Promise<readonly [Judged, Judged]> {
    return this.#both(template, (side) => side.send(template));
  }

  /**
   * On connections of their own: for heads that may end them, or leave one front waiting for more for up to 12 s. Such a
   * front is waited for in {@link settled}, so that the next requests need not.
   * @throws Finding
   */
  async askAlone(template: string): Promise<void> {
    const asked = this.sides.map((side) => side.sendAlone(template));
    const whole = this.#both(template, (side) => asked[this.sides.indexOf(side)] as Promise<Judged>).then(
      () => undefined,
    );
    const refused = Promise.any(
      asked.map(async (one) => {
        if (!isRefusedBelow(await one)) throw new Error('answered');
        await delay(WAITS_FOR_MORE_MS);
      }),
    );
    // Whichever comes first; a fault is not lost, as `whole` is looked at in any case.
    this.#stragglers.push(whole);
    whole.catch(() => undefined);
    await Promise.any([whole, refused]).catch(() => whole);
  }

  /** Every request was answered, or its connection ended. @throws Finding */
  async settled(): Promise<void> {
    await Promise.all(this.#stragglers.splice(0));
  }

  /** What every merchant has before it is fuzzed. */
  async open(): Promise<void> {
    const account = (name: string, more = '') => `{"name":"${name}","currency":"EUR"${more}}`;
    const note = `,"metadata":{"note":"${MARK}"}`;
    const accounts = [
      ...ACCOUNTS.map((name) => account(name, note)),
      account(OWN_VAULT, note),
      account(PROBE_ACCOUNT),
      account('external/probe'),
      account(SOURCE),
    ];
    await this.must(post('/v1/accounts/batch', `{"accounts":[${accounts.join(',')}]}`, 'open'));
    for (const name of [OWN_VAULT, ...ACCOUNTS])
      await this.must(post('/v1/transactions', posting(SOURCE, name, 1_000_000), `fund ${name}`));
    for (const [index, name] of ACCOUNTS.entries()) {
      const body = posting(name, ACCOUNTS[(index + 1) % ACCOUNTS.length] ?? '', 100, ',"pending":true');
      await this.must(post('/v1/transactions', body, `hold ${index}`));
    }
    await this.#turnPage();
  }

  /** A cursor on both sides. */
  async #turnPage(): Promise<void> {
    const list = written('GET', '/v1/accounts?limit=1', [AUTHORIZED, ['Consistency-Token', TOKEN]], '');
    let behind = true;
    while (behind) {
      const answers = await Promise.all(this.sides.map((side) => side.send(list)));
      behind = answers.some(({ status }) => status === 503);
    }
  }

  /** A success that the rest stands on; no part of a finding's story, since every merchant begins with it. */
  async must(template: string): Promise<readonly [Judged, Judged]> {
    const answers = await this.ask(template);
    for (const { status, text } of answers) if (status !== 201) throw new Error(`${status} ${text}`);
    this.#history.length = 0;
    return answers;
  }

  /** A posting between accounts that no fuzzed request names: nothing that was refused may show in it. */
  async probe(): Promise<void> {
    const serial = ++this.#probes;
    const template = post(
      '/v1/transactions',
      `{"legs":[{"debit":"external/probe","credit":"${PROBE_ACCOUNT}","amount":1,"currency":"EUR"}]}`,
      `probe ${serial}`,
    );
    await this.#both(template, (side) => side.probe(template));
    const look = written('GET', `/v1/accounts/${PROBE_ACCOUNT}`, [AUTHORIZED], '');
    const seen = await this.ask(look);
    for (const { text, body } of seen) {
      if (body.balances.posted !== serial || body.version !== serial)
        throw this.#finding(`${serial} witness postings, and the account says ${text}`, { template: look });
    }
  }

  async #both(template: string, send: (side: Sender) => Promise<Judged>): Promise<readonly [Judged, Judged]> {
    const entry = { template, said: '' };
    this.#history.push(entry);
    if (this.#history.length > HISTORY) this.#history.shift();
    try {
      const [one, other] = await Promise.all([send(this.sides[0]), send(this.sides[1])]);
      entry.said = `${one.status} ${one.code || (one.body?.sequence ?? '')}`.trim();
      const differing = difference(template, one, other);
      if (differing !== null) throw new Error(`the fronts differ: ${differing}`);
      if (one.status > 0 && one.status < 300 && /^\w+ \/v1\/transactions\/txn_@[fu]/.test(template))
        throw new Error(`another merchant's transaction: ${one.text}`);
      const what = `${one.status} ${one.code}`.trim();
      this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
      return [one, other];
    } catch (error) {
      throw this.#finding(error instanceof Error ? error.message : String(error), entry);
    }
  }

  #finding(message: string, last: { readonly template: string }): Finding {
    // Others may have been sent meanwhile, on connections of their own.
    const before = this.#history.filter((other) => other !== last);
    const requests = [...before, last].map(({ template }) => template);
    return new Finding(
      message,
      requests,
      before.map(({ template, said }) => `${template.split(' HTTP', 1)[0]} → ${said}`),
    );
  }
}

const AUTHORIZED = ['Authorization', 'Bearer @KEY@'] as const;
const posting = (debit: string, credit: string, amount: number, more = ''): string =>
  `{"legs":[{"debit":"${debit}","credit":"${credit}","amount":${amount},"currency":"EUR"}],"reference":"${MARK}","description":"${MARK}","metadata":{"k":"${MARK}"}${more}}`;

function post(path: string, body: string, key: string): string {
  return written('POST', path, [AUTHORIZED, ['Content-Type', 'application/json'], ['Idempotency-Key', key]], body);
}
