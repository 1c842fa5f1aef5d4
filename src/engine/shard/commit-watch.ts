/** How long commits take: notices one that stands still, and remembers the quickest. */

/** Twice as long as the slowest commit of a healthy disk, and half of what a client is promised a refusal within. */
const STALLED_MS = 500;
/** The quickest of this and of the last such time counts. */
const WINDOW_MS = 30_000;

export class CommitWatch {
  readonly #onStalled: (forMs: number) => void;
  #timer: NodeJS.Timeout | null = null;
  #beganMs = 0;
  #windowBeganMs = 0;
  #quickest = Number.POSITIVE_INFINITY;
  #quickestBefore = Number.POSITIVE_INFINITY;

  /** @param onStalled called at most once a commit */
  constructor(onStalled: (forMs: number) => void) {
    this.#onStalled = onStalled;
  }

  begin(): void {
    this.#beganMs = performance.now();
    this.#timer = setTimeout(() => this.#onStalled(STALLED_MS), STALLED_MS);
  }

  end(committed: boolean): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!committed) return;
    const nowMs = performance.now();
    if (nowMs - this.#windowBeganMs > WINDOW_MS) {
      this.#quickestBefore = this.#quickest;
      this.#quickest = Number.POSITIVE_INFINITY;
      this.#windowBeganMs = nowMs;
    }
    this.#quickest = Math.min(this.#quickest, nowMs - this.#beganMs);
  }

  /** ms; 0: none was seen. */
  get quickestMs(): number {
    const quickest = Math.min(this.#quickest, this.#quickestBefore);
    return Number.isFinite(quickest) ? quickest : 0;
  }
}
