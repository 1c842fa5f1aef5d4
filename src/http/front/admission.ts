/**
 * What a front lets in. Each shard has a queue as long as it can serve within `queueMs`, by the rate that it has shown;
 * what comes beyond is refused before anything is done of it. Where that queue is longer than `shareMs` and several
 * merchants are at work, whoever holds more than a share of it is refused: a flood of one does not become everybody's wait.
 *
 * Work is counted in units: a posting is about one, a batch as many as its body is long. All of it is a few additions a
 * request, without a clock and without garbage.
 */
import type { Principal } from '../types.js';

export interface AdmissionOptions {
  /** How long a request that is let in may have to wait behind others, ms. */
  readonly queueMs: number;
  /** From this wait on shares are kept, ms. */
  readonly shareMs: number;
  /** Postings that the engine takes of this front at a time, whatever their shard. @defaultValue no bound */
  readonly inFlightMax?: number;
  /** By shard: ms that its quickest commits take, 0 where that is not known. A share below a few of them would starve it. */
  readonly commitMs: (shard: number) => number;
}

export type Admission = 'admitted' | 'too_many_requests' | 'overloaded';

/** Of one merchant on its shard. */
interface Lane {
  units: number;
  requests: number;
  /** The round in which it last asked for something. */
  round: number;
}

/** Let in whatever the rate, units, and requests of those who hold little. */
const QUEUE_MIN = 256;
/** Fewer requests than that may come to so many units, as many as one commit takes. */
const BATCHES_MIN = 8192;
const SHARES_FROM_MIN = 32;
/** Who holds less than so many units, or fewer than so many requests, holds little: a small program, an import. Never a flood. */
const LITTLE_UNITS = 40;
const LITTLE_REQUESTS = 4;
/** Behind so many units they too are refused: four of the largest bodies. */
const LITTLE_BEHIND_MAX = 4 * 65_536;
/** Let in where there is no backlog, units: the largest batch, to a shard that has shown little. */
const BURST_MAX = 65_536;
/** The same for one of several merchants, where the shard has shown what it can do: as much as it serves in this time. */
const BURST_BESIDE_MS = 40;
const BURST_BESIDE_MIN = 128;
/**
 * Of what the engine has room for, so much is filled, and half of it by one shard: beyond its room it refuses too, but item by
 * item, when a body was read and parsed for it, and of a flood of batches most of the work would be that.
 */
const ROOM = 0.75;
const SHARERS_MIN = 2;
/** A queue found by so many ticks in a row is a backlog, until so many in a row found none and refused nobody. */
const BACKLOG_TICKS = 4;
const CLEAR_TICKS = 20;
/** How far above an equal part, in its standard deviations: merchants that send alike never come there by chance. */
const DEVIATIONS = 5;
/** Waits are so many of the quickest commits at least: with fewer, commits would be too small to be worth their cost. */
const COMMITS_A_QUEUE = 4;
const COMMITS_A_SHARE = 2.5;
const TICK_MS = 50;
/** What a tick's answers still count at the next one: a rate is that of the last half second, which is several commits. */
const MEMORY = 0.9;
/** Ticks a round: a merchant that sent nothing in this round and the one before it is not at work. */
const ROUND_TICKS = 20;
/** How much one tick's rate weighs, upward, and downward while something is refused: only then it is the most there is. */
const RISE = 0.5;
const FALL = 0.1;
const BYTES_A_UNIT_SHIFT = 7;

/** The work that a request is counted as, by the length of its body. */
export const unitsOf = (bodyBytes: number): number => 1 + (bodyBytes >> BYTES_A_UNIT_SHIFT);

class ShardQueue {
  units = 0;
  requests = 0;
  /** Of these, what is paced by credits: it waits for room by itself, and takes none from the others. */
  pacedUnits = 0;
  pacedRequests = 0;
  /** Units answered, and whether something was refused, since the last tick. */
  served = 0;
  refused = false;
  queueMax = BURST_MAX;
  sharesFrom = BURST_MAX;
  /** Units a millisecond that the shard has shown to serve. */
  #rate = 0;
  /** Units served while it was busy, and in how many ms, both fading. */
  #servedLately = 0;
  #busyLatelyMs = 0;
  round = 1;
  /** Merchants at work in this round, and in the one before it. */
  atWork = 0;
  #atWorkBefore = 0;
  #ticks = 0;
  #queuedTicks = 0;
  #clearTicks = 0;
  #isBacklog = false;
  /** There was a backlog: from then on the rate is nearly what the shard can do, before it is what was asked of it. */
  #hasShown = false;

  /** Of this tick, and of the one before it. */
  #longestUnits = 0;
  #longestUnitsBefore = 0;

  entered(units: number): void {
    this.units += units;
    this.requests++;
    if (this.units > this.#longestUnits) this.#longestUnits = this.units;
  }

  /** What one merchant may hold of the present queue, units. */
  get shareMax(): number {
    const merchants = Math.max(this.atWork, this.#atWorkBefore);
    if (merchants < 2) return Number.POSITIVE_INFINITY;
    // Of the longest queue lately: after a commit all of one merchant's clients may be back before anybody else's.
    const equal = Math.max(this.units, this.#longestUnits, this.#longestUnitsBefore) / merchants;
    // Binomial; a few large batches are spread less evenly than many postings.
    return equal + DEVIATIONS * Math.sqrt((equal * (1 - 1 / merchants) * this.units) / this.requests);
  }

  get isAtRest(): boolean {
    return this.units === 0 && this.atWork === 0 && this.#atWorkBefore === 0;
  }

  /** @param room units that it may fill at most */
  tick(elapsedMs: number, options: AdmissionOptions, commitMs: number, room: number): void {
    const isIdle = this.units === 0;
    this.#servedLately = isIdle ? 0 : this.#servedLately * MEMORY + this.served;
    this.#busyLatelyMs = isIdle ? 0 : this.#busyLatelyMs * MEMORY + elapsedMs;
    const rate = this.#busyLatelyMs === 0 ? 0 : this.#servedLately / this.#busyLatelyMs;
    if (rate > this.#rate) this.#rate += (rate - this.#rate) * RISE;
    else if (this.refused) this.#rate += (rate - this.#rate) * FALL;
    const queueMs = Math.max(options.queueMs, COMMITS_A_QUEUE * commitMs);
    const longest = Math.min(room, Math.max(QUEUE_MIN, this.#rate * queueMs));
    const shareMs = Math.max(options.shareMs, COMMITS_A_SHARE * commitMs);
    const shared = Math.min(longest, Math.max(SHARES_FROM_MIN, this.#rate * shareMs));
    const isQueued = this.units >= shared;
    this.#queuedTicks = isQueued ? this.#queuedTicks + 1 : 0;
    this.#clearTicks = isQueued || this.refused ? 0 : this.#clearTicks + 1;
    if (this.#queuedTicks >= BACKLOG_TICKS || this.refused) this.#isBacklog = true;
    else if (this.#clearTicks >= CLEAR_TICKS) this.#isBacklog = false;
    this.#hasShown ||= this.#isBacklog;
    this.queueMax = this.#isBacklog ? longest : Math.min(room, Math.max(longest, BURST_MAX));
    const burst = this.#hasShown ? Math.max(BURST_BESIDE_MIN, this.#rate * BURST_BESIDE_MS) : this.queueMax;
    this.sharesFrom = this.#isBacklog ? shared : Math.min(this.queueMax, Math.max(shared, burst));
    this.served = 0;
    this.refused = false;
    this.#longestUnitsBefore = this.#longestUnits;
    this.#longestUnits = this.units;
    if (++this.#ticks % ROUND_TICKS !== 0) return;
    this.round++;
    this.#atWorkBefore = this.atWork;
    this.atWork = 0;
  }
}

export class AdmissionControl {
  readonly #options: AdmissionOptions;
  /** By index of the shard. */
  readonly #queues: ShardQueue[] = [];
  /** By book. */
  readonly #lanes: Lane[] = [];
  #timer: NodeJS.Timeout | null = null;
  #tickedMs = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** What becomes of a request of this merchant if it comes now. */
  judge(principal: Principal): Admission {
    const admission = this.#look(principal, false);
    const queue = this.#queues[principal.shard];
    if (admission !== 'admitted' && queue !== undefined) queue.refused = true;
    return admission;
  }

  /** Whether more of it would be let in, for those who wait until it is. */
  hasRoom(principal: Principal): boolean {
    return this.#look(principal, true) === 'admitted';
  }

  /** Who is paced looks at all that waits; the others are not refused for what those have under way. */
  #look({ shard, book }: Principal, paced: boolean): Admission {
    const queue = this.#queues[shard];
    if (queue === undefined) return 'admitted';
    const units = paced ? queue.units : queue.units - queue.pacedUnits;
    const requests = paced ? queue.requests : queue.requests - queue.pacedRequests;
    if (units < queue.sharesFrom) return 'admitted';
    const lane = this.#lanes[book];
    const isLittle = lane === undefined || lane.units < LITTLE_UNITS || lane.requests < LITTLE_REQUESTS;
    if (!isLittle && lane.units > queue.shareMax) return 'too_many_requests';
    if (units < queue.queueMax) return 'admitted';
    // A few large batches fill a queue, and few requests empty it.
    if (requests < QUEUE_MIN && units < (isLittle ? LITTLE_BEHIND_MAX : BATCHES_MIN)) return 'admitted';
    return 'overloaded';
  }

  /** A request is under way from here on. */
  enter({ shard, book }: Principal, units: number, paced = false): void {
    const queue = this.#queues[shard] ?? this.#newQueue(shard);
    const lane = this.#lanes[book] ?? this.#newLane(book);
    queue.entered(units);
    if (paced) {
      queue.pacedUnits += units;
      queue.pacedRequests++;
    }
    lane.units += units;
    lane.requests++;
    if (lane.round !== queue.round) {
      lane.round = queue.round;
      queue.atWork++;
    }
    if (this.#timer === null) this.#start();
  }

  /** It is answered. @param withoutRoom units of it, at the least, that never came to the shard: nothing was served by that */
  leave({ shard, book }: Principal, units: number, withoutRoom = 0, paced = false): void {
    const queue = this.#queues[shard];
    const lane = this.#lanes[book];
    if (queue === undefined || lane === undefined) return;
    queue.units -= units;
    queue.requests--;
    if (paced) {
      queue.pacedUnits -= units;
      queue.pacedRequests--;
    }
    queue.served += Math.max(0, units - withoutRoom);
    if (withoutRoom > 0) queue.refused = true;
    lane.units -= units;
    lane.requests--;
  }

  /** Stops measuring. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #newQueue(shard: number): ShardQueue {
    const queue = new ShardQueue();
    for (let index = this.#queues.length; index < shard; index++) this.#queues.push(new ShardQueue());
    this.#queues[shard] = queue;
    return queue;
  }

  #newLane(book: number): Lane {
    const lane = { units: 0, requests: 0, round: 0 };
    this.#lanes[book] = lane;
    return lane;
  }

  #start(): void {
    this.#tickedMs = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Sleeps when nothing was under way for a round: an idle front has no timer. */
  #tick(): void {
    const nowMs = performance.now();
    const elapsedMs = Math.max(1, nowMs - this.#tickedMs);
    this.#tickedMs = nowMs;
    const { inFlightMax = Number.POSITIVE_INFINITY } = this.#options;
    const room = (ROOM * inFlightMax) / Math.max(SHARERS_MIN, this.#queues.length);
    let busy = false;
    this.#queues.forEach((queue, shard) => {
      if (!queue.isAtRest) busy = true;
      queue.tick(elapsedMs, this.#options, this.#options.commitMs(shard), room);
    });
    if (!busy) this.close();
  }
}
