/**
 * The time that records carry. A wall clock may jump; the monotonic clock may not. A shard takes the wall clock's word
 * only while it has advanced as the monotonic clock has, within 5 seconds.
 */

/** Microseconds since 1970-01-01 UTC, below 2^53. */
export type Micros = number;

const TOLERANCE_MICROS = 5_000_000;
/**
 * The reference follows the wall clock at this rate at most (the fastest that time daemons slew), so that small
 * corrections over months never add up to a disagreement, and a jump is never followed.
 */
const FOLLOW_PER_MICRO = 500e-6;

export interface ClockSources {
  /** Wall clock, µs. */
  readonly wall: () => Micros;
  /** Monotonic clock, µs from any origin. */
  readonly monotonic: () => number;
}

const systemSources: ClockSources = {
  wall: () => Date.now() * 1000,
  monotonic: () => performance.now() * 1000,
};

/**
 * A wall clock with microseconds: `Date.now()` says milliseconds, the monotonic clock fills in the rest. Follows the
 * system's wall clock within 2 ms, jumps included; never falls by less than a jump.
 */
export function createClock(sources: ClockSources = systemSources): () => Micros {
  let offset = sources.wall() - sources.monotonic();
  return () => {
    const monotonic = sources.monotonic();
    const wall = sources.wall();
    if (Math.abs(monotonic + offset - wall) > 2000) offset = wall - monotonic;
    return Math.floor(monotonic + offset);
  };
}

/** One shard's clock. Not shared between threads. */
export class ShardClock {
  readonly #monotonic: () => number;
  readonly #wall: () => Micros;
  #offset: number;
  #at: number;

  constructor(sources: ClockSources = systemSources) {
    this.#monotonic = sources.monotonic;
    this.#wall = createClock(sources);
    this.#at = this.#monotonic();
    this.#offset = this.#wall() - this.#at;
  }

  /** The present, or `'disagrees'` while the wall clock is more than 5 s off from where it should be. */
  now(): Micros | 'disagrees' {
    const monotonic = this.#monotonic();
    const wall = this.#wall();
    const drift = wall - monotonic - this.#offset;
    if (drift > TOLERANCE_MICROS || drift < -TOLERANCE_MICROS) return 'disagrees';
    const step = (monotonic - this.#at) * FOLLOW_PER_MICRO;
    this.#offset += Math.max(-step, Math.min(step, drift));
    this.#at = monotonic;
    return wall;
  }

  /**
   * Compares with a clock that was just read elsewhere (the database's), at start and after a disagreement. If the two
   * are within 5 s, the wall clock is trusted from here on.
   */
  agreeWith(other: Micros): boolean {
    const monotonic = this.#monotonic();
    const wall = this.#wall();
    if (Math.abs(wall - other) > TOLERANCE_MICROS) return false;
    this.#offset = wall - monotonic;
    this.#at = monotonic;
    return true;
  }
}

/** RFC 3339 in UTC with six digits of a second. */
export function formatMicros(time: Micros): string {
  const millis = Math.floor(time / 1000);
  const micros = time - millis * 1000;
  return `${new Date(millis).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
