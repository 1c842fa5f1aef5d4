/**
 * How the attempts to reach something that is away are going, and the rests between them. Whoever tries tells it, so
 * that an operator can see it.
 *
 * `closed`: it is there. `open`: it is away, and nobody asks it until the next attempt. `half_open`: an attempt is
 * under way.
 */
export type BreakerState = 'closed' | 'open' | 'half_open';

export class Breaker {
  #attempts = 0;
  #nextAttemptAt: number | null = null;
  /** Ends the rest that is under way. */
  #wake: () => void = () => undefined;
  /** Said to be there since the attempt began that is under way. */
  #isBack = false;

  /** Attempts that failed since it was last there. */
  get attempts(): number {
    return this.#attempts;
  }

  /** When the next attempt begins, ms since 1970; null while one is under way, and while none is needed. */
  get nextAttemptAt(): number | null {
    return this.#nextAttemptAt;
  }

  /** An attempt begins. */
  trying(): void {
    this.#nextAttemptAt = null;
    this.#isBack = false;
  }

  /**
   * An attempt failed: resolves when the next one is due. That is after `waitMs` at most and half of it at least, by
   * chance, so that many who wait for the same do not come in step; or as soon as {@link tryNow} is called.
   */
  async rest(waitMs: number): Promise<void> {
    this.#attempts++;
    if (this.#isBack) return;
    const restMs = waitMs * (0.5 + Math.random() / 2);
    this.#nextAttemptAt = Date.now() + restMs;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, restMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** It is known to be there again: whoever rests tries now, and an attempt that began too early is made again at once. */
  tryNow(): void {
    this.#isBack = true;
    this.#wake();
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
