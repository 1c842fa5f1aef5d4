/**
 * How the attempts to reach something that is away are going. It does not decide when to try: whoever tries tells it,
 * so that an operator can see it.
 *
 * `closed`: it is there. `open`: it is away, and nobody asks it until the next attempt. `half_open`: an attempt is
 * under way.
 */
export type BreakerState = 'closed' | 'open' | 'half_open';

export class Breaker {
  #attempts = 0;
  #nextAttemptAt: number | null = null;

  /** Attempts that failed since it was last there. */
  get attempts(): number {
    return this.#attempts;
  }

  /** When the next attempt begins, ms since 1970; null while one is under way, and while none is needed. */
  get nextAttemptAt(): number | null {
    return this.#nextAttemptAt;
  }

  /** An attempt failed; the next one comes in `waitMs`. */
  failed(waitMs: number): void {
    this.#attempts++;
    this.#nextAttemptAt = Date.now() + waitMs;
  }

  /** An attempt begins. */
  trying(): void {
    this.#nextAttemptAt = null;
  }

  succeeded(): void {
    this.#attempts = 0;
    this.#nextAttemptAt = null;
  }
}

/** As it is shown. @param attempts, nextAttemptAt as a breaker had them, maybe a moment ago and in another thread */
export function breakerState(attempts: number, nextAttemptAt: number | null): BreakerState {
  if (attempts === 0) return 'closed';
  return nextAttemptAt === null ? 'half_open' : 'open';
}
