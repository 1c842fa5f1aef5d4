/** One group of an open-loop generator: its connections, what waits for one, and what is sent again. */
import { Arrivals } from './arrivals.js';
import { type Answer, Connection, type ConnectionEvents } from './connection.js';
import type { GeneratorPlan, Group, Sending } from './plan.js';
import type { LoadRequest, RequestSource } from './request.js';
import { Tally } from './tally.js';

/** One request, under its key, as often as it is sent. */
interface Attempt {
  readonly request: LoadRequest;
  readonly intendedMs: number;
  sentMs: number;
  retriesLeft: number;
  /** Of the phase that it was intended in. */
  readonly tally: Tally;
}

const RETRY_AFTER_MS = 1_000;
/** The engine cuts a connection that is idle for ten seconds: a request must not be sent into its end. */
const IDLE_MS = 5_000;

export class Sender implements ConnectionEvents {
  readonly #plan: GeneratorPlan;
  readonly #group: Group;
  readonly #random: () => number;
  readonly #source: RequestSource;
  readonly #onLag: (ms: number) => void;
  readonly #free: Connection[] = [];
  #open = 0;
  #arrivals: Arrivals | null = null;
  /** Connections that send again as soon as they are answered. */
  #loops = 0;
  /** Requests that wait for a connection; served from `#waitingFrom` on. */
  #waiting: Attempt[] = [];
  #waitingFrom = 0;
  /** Requests to be sent again, by when: rests are nearly equal, so order is nearly that of time. */
  #again: { readonly atMs: number; readonly attempt: Attempt }[] = [];
  #tally = new Tally(performance.now());
  underWay = 0;

  constructor(
    plan: GeneratorPlan,
    group: Group,
    source: RequestSource,
    random: () => number,
    onLag: (ms: number) => void,
  ) {
    this.#plan = plan;
    this.#group = group;
    this.#random = random;
    this.#onLag = onLag;
    this.#source = source;
    for (let count = 0; count < group.connections; count++) this.#connect();
  }

  begin(sending: Sending | undefined, beganMs: number): void {
    this.#tally = new Tally(beganMs);
    // Between phases nobody ticks.
    this.#endIdleSince(beganMs - IDLE_MS);
    this.#arrivals =
      sending !== undefined && 'open' in sending ? new Arrivals(sending.open, beganMs, this.#random) : null;
    this.#loops = sending !== undefined && 'closed' in sending ? sending.closed : 0;
    for (let loop = 0; loop < this.#loops; loop++) this.#intend(beganMs);
  }

  /** Sends all that is due. */
  tick(nowMs: number): void {
    while (this.#again.length > 0 && (this.#again[0]?.atMs ?? 0) <= nowMs) {
      const due = this.#again.shift();
      if (due !== undefined) this.#send(due.attempt, due.atMs);
    }
    const arrivals = this.#arrivals;
    if (arrivals !== null) {
      for (let at = arrivals.take(nowMs); at >= 0; at = arrivals.take(nowMs)) this.#intend(at);
    }
    this.#giveUpBefore(nowMs - this.#group.patienceMs);
    this.#endIdleSince(nowMs - IDLE_MS);
  }

  /** Nothing new is intended from now on. */
  stop(nowMs: number): void {
    this.#tally.stop(nowMs);
    this.#arrivals = null;
    this.#loops = 0;
  }

  /** The next phase begins at once. @returns the one before it, whose answers may still come */
  turn(sending: Sending | undefined, nowMs: number): Tally {
    this.tick(nowMs);
    const before = this.#tally;
    before.stop(nowMs);
    this.begin(sending, nowMs);
    return before;
  }

  get quiet(): boolean {
    return this.underWay === 0 && this.#waiting.length === this.#waitingFrom && this.#again.length === 0;
  }

  finish(ms: number) {
    const tally = this.#tally;
    tally.unanswered = this.underWay;
    tally.givenUp += this.#waiting.length - this.#waitingFrom + this.#again.length;
    this.#waiting = [];
    this.#waitingFrom = 0;
    this.#again = [];
    return tally.result(ms);
  }

  onAnswer(connection: Connection, answer: Answer): void {
    const attempt = connection.attempt as Attempt;
    const nowMs = performance.now();
    connection.attempt = null;
    this.underWay--;
    const { status } = answer;
    const posted = attempt.tally.answered(attempt.request, answer, nowMs, attempt.intendedMs, attempt.sentMs);
    this.#tally.came(posted, nowMs);
    if ((status === 429 || status === 503) && attempt.retriesLeft > 0) this.#sendAgain(attempt, nowMs);
    else attempt.tally.owed--;
    if (connection.closing) connection.end();
    else this.#freed(connection, nowMs);
    if (this.#loops > 0 && attempt.tally === this.#tally) this.#intend(nowMs);
  }

  onGone(connection: Connection, owed: boolean): void {
    this.#open--;
    if (!owed) {
      const at = this.#free.indexOf(connection);
      if (at >= 0) this.#free.splice(at, 1);
      return;
    }
    const attempt = connection.attempt as Attempt;
    this.underWay--;
    attempt.tally.errors++;
    if (attempt.retriesLeft > 0) {
      this.#sendAgain(attempt, performance.now());
      return;
    }
    attempt.tally.owed--;
    if (this.#loops > 0 && attempt.tally === this.#tally) this.#intend(performance.now());
  }

  #intend(intendedMs: number): void {
    this.#tally.intended++;
    this.#tally.owed++;
    const retriesLeft = this.#group.retries ?? 0;
    this.#send(
      { request: this.#source.next(), intendedMs, sentMs: intendedMs, retriesLeft, tally: this.#tally },
      intendedMs,
    );
  }

  /** On a free connection, a new one, or when one is free. */
  #send(attempt: Attempt, dueMs: number): void {
    attempt.sentMs = dueMs;
    const connection = this.#free.pop() ?? (this.#open < this.#group.connectionsMax ? this.#dial() : undefined);
    if (connection === undefined) {
      this.#waiting.push(attempt);
      return;
    }
    this.#onLag(performance.now() - dueMs);
    this.#sendOn(connection, attempt);
  }

  #sendOn(connection: Connection, attempt: Attempt): void {
    this.underWay++;
    connection.attempt = attempt;
    connection.send(attempt.request.text, attempt.request.wantsBody);
  }

  #sendAgain(attempt: Attempt, nowMs: number): void {
    attempt.retriesLeft--;
    this.#again.push({ atMs: nowMs + RETRY_AFTER_MS * (1 + this.#random() / 4), attempt });
  }

  #freed(connection: Connection, nowMs: number): void {
    this.#giveUpBefore(nowMs - this.#group.patienceMs);
    const next = this.#waiting[this.#waitingFrom];
    if (next === undefined) {
      connection.freeSinceMs = nowMs;
      this.#free.push(connection);
      return;
    }
    this.#taken();
    this.#sendOn(connection, next);
  }

  #giveUpBefore(latestMs: number): void {
    for (;;) {
      const next = this.#waiting[this.#waitingFrom];
      if (next === undefined || next.sentMs >= latestMs) return;
      next.tally.givenUp++;
      next.tally.owed--;
      this.#taken();
    }
  }

  /** The one that was freed last is used first, so those that are idle the longest come first. */
  #endIdleSince(latestMs: number): void {
    const kept = this.#free.findIndex(({ freeSinceMs }) => freeSinceMs > latestMs);
    if (kept === 0) return;
    for (const idle of this.#free.splice(0, kept < 0 ? this.#free.length : kept)) idle.end();
  }

  /** The first that waits is no longer waiting. */
  #taken(): void {
    this.#waitingFrom++;
    if (this.#waitingFrom < 1024 || this.#waitingFrom * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#waitingFrom);
    this.#waitingFrom = 0;
  }

  #connect(): void {
    this.#free.push(this.#dial());
  }

  #dial(): Connection {
    this.#open++;
    return new Connection(this.#plan.host, this.#plan.port, this);
  }

  end(): void {
    for (const connection of this.#free) connection.end();
  }
}
