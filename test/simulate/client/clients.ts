/**
 * The clients: each asks, waits for the answer, asks again under the same key where it does not know the outcome, and
 * sometimes where it does; some send a request twice at once, some send another payload under a key they have used.
 */
import type { Engine } from '../engine/engine.js';
import type { SimulatedCommand } from '../history.js';
import type { Random } from '../random.js';
import type { Loop } from '../time/loop.js';
import type { Trace } from '../trace.js';
import { Commands, Knowledge, routeOf, takesKey } from './commands.js';
import { currenciesOf, FIRST_OWN_CURRENCY } from './currencies.js';
import type { Network, Told } from './network.js';

export interface ClientsOptions {
  readonly loop: Loop;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly clients: number;
  readonly books: readonly number[];
  /** No operation is sent beyond this many. */
  readonly operations: number;
  readonly thinkMicros: number;
  /** Where a request is sent to; undefined while there is nothing. */
  readonly engine: (book: number) => Engine | undefined;
  /** The operator's own that may be asked for. */
  readonly currencies: () => readonly { readonly code: string }[];
  readonly onOperation: () => void;
}

interface Request {
  readonly client: number;
  readonly book: number;
  readonly key: string | null;
  readonly command: SimulatedCommand;
  readonly repeats: number | null;
}

const TRIES_MAX = 8;
const NONE: readonly number[] = [];
/** Where there is nobody to send to, the next look is after so long. */
const NOBODY_MICROS = 50_000;
/** µs that a hold may still live for somebody to wait for its end. */
const AIMED_AHEAD_MAX = 2_000_000;
const UNCERTAIN = new Set(['outcome_unknown']);

export class Clients {
  /** Clients that have something to do still. */
  busy = 0;
  /** Nobody asks before this. */
  restUntil = 0;
  readonly #options: ClientsOptions;
  readonly #commands: Commands;
  readonly #knowledge = new Map<number, Knowledge>();
  readonly #past: Request[] = [];
  #keys = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#commands = new Commands(options.random);
    for (const book of options.books) this.#knowledge.set(book, new Knowledge());
  }

  start(): void {
    const { clients } = this.#options;
    this.busy = clients;
    for (let client = 0; client < clients; client++) this.#later(() => this.#next(client));
  }

  /** So many more requests at once, whose answers nobody acts on. */
  burst(requests: number): void {
    const { random, books } = this.#options;
    for (let sent = 0; sent < requests && !this.#isOver; sent++) {
      const request = this.#request(0, random.pick(books));
      this.#send(request, (told) => {
        if (told !== null) this.#learn(request, told);
      });
    }
  }

  get #isOver(): boolean {
    return this.#options.network.asked >= this.#options.operations;
  }

  #later(run: () => void, more = 0): void {
    const { loop, random, thinkMicros } = this.#options;
    const rest = Math.max(0, this.restUntil - loop.now);
    loop.after(rest + more + random.between(1, thinkMicros), loop.world, run);
  }

  #next(client: number): void {
    const { random, trace, loop, books } = this.#options;
    if (this.#isOver) {
      this.busy--;
      return;
    }
    if (this.restUntil > loop.now) {
      this.#later(() => this.#next(client));
      return;
    }
    const request = this.#request(client, random.pick(books));
    if (request.key !== null && random.chance(0.04)) {
      trace.mark('sent twice at once');
      this.#send({ ...request, repeats: null }, () => undefined);
    }
    this.#try(request, 0);
  }

  #request(client: number, book: number): Request {
    const { random, trace, loop } = this.#options;
    if (this.#past.length > 0 && random.chance(0.06)) {
      const past = random.pick(this.#past);
      if (random.chance(0.25)) {
        trace.mark('other payload under a used key');
        return { ...past, client, command: this.#commands.otherPayload(past.command), repeats: null };
      }
      trace.mark('asked again after the answer');
      return { ...past, client };
    }
    const known = this.#knowledge.get(book) as Knowledge; // one for each book
    const command = this.#commands.next(known, loop.trueTime, this.#options.currencies().length);
    const key = takesKey(command) ? `key-${this.#keys++}` : null;
    return { client, book, key, command, repeats: null };
  }

  #try(request: Request, tries: number): void {
    const { client } = request;
    if (this.#isOver) {
      this.#later(() => this.#next(client));
      return;
    }
    const sent = this.#send(request, (told) => this.#heard({ ...request, repeats: sent }, tries, told));
    if (sent !== null) return;
    // An engine that is older than a currency never comes to know it.
    const patience = this.#own(request).length > 0 ? 1 : 0;
    if (tries >= TRIES_MAX) this.#later(() => this.#next(client));
    else this.#later(() => this.#try(request, tries + patience), NOBODY_MICROS);
  }

  /** @returns the operation's number; null where there is nobody to send it to */
  #send(request: Request, told: (told: Told) => void): number | null {
    const { network, engine, onOperation } = this.#options;
    const to = engine(request.book);
    if (to === undefined || to.fronts.length === 0 || !this.#isKnownTo(to, request)) return null;
    const number = network.ask(to, { ...request, route: routeOf(request.command) }, told);
    onOperation();
    return number;
  }

  /** The operator's own currencies in it. */
  #own({ command }: Request): readonly number[] {
    if (this.#options.currencies().length === 0) return NONE;
    return currenciesOf(command).filter((currency) => currency >= FIRST_OWN_CURRENCY);
  }

  /** A front refuses what its own configuration does not name: that is not played here. */
  #isKnownTo({ settings }: Engine, request: Request): boolean {
    const end = FIRST_OWN_CURRENCY + settings.customCurrencies.length;
    return this.#own(request).every((currency) => currency < end);
  }

  #heard(request: Request, tries: number, told: Told): void {
    const { random } = this.#options;
    const { client, key } = request;
    if (told !== null) this.#learn(request, told);
    const isUncertain = told === null || (told.type === 'unavailable' && UNCERTAIN.has(told.code));
    const isRefused = told !== null && (told.type === 'unavailable' || told.type === 'refused');
    const again = key !== null && tries < TRIES_MAX && (isUncertain || (isRefused && random.chance(0.6)));
    if (again) {
      const patience = isRefused ? 10_000 : 1_000;
      this.#later(() => this.#try(request, tries + 1), random.between(100, patience * 2 ** tries));
      return;
    }
    if (key !== null && random.chance(0.5)) {
      this.#past.push(request);
      if (this.#past.length > 40) this.#past.splice(random.between(0, 39), 1);
    }
    this.#later(() => this.#next(client));
  }

  /** Acts on a hold in the very moment in which it lapses. */
  #aimAtExpiry(book: number, parent: number, expiresAt: number): void {
    const { loop, random } = this.#options;
    const left = expiresAt - loop.trueTime;
    if (left > AIMED_AHEAD_MAX || left <= 0 || random.chance(0.4)) return;
    loop.after(Math.max(0, left - random.between(0, 400)), loop.world, () => {
      if (this.#isOver) return;
      const command = this.#commands.actionOn(parent);
      this.#send({ client: 0, book, key: `key-${this.#keys++}`, command, repeats: null }, () => undefined);
    });
  }

  #learn({ book, command }: Request, told: Exclude<Told, null>): void {
    const known = this.#knowledge.get(book) as Knowledge; // one for each book
    if (told.type !== 'recorded' || told.code !== null) return;
    if (command.type === 'post') known.learn(told.position, command.legs.length);
    if (told.expiresAt > 0) this.#aimAtExpiry(book, told.position, told.expiresAt);
    for (const { position, legs } of told.records) known.learn(position, legs.length);
  }
}
