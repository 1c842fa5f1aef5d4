/**
 * Between two commits the clients that were just answered may ask again, and what they ask makes the next commit larger.
 * A shard rests until as many commands have come as answers went out, or until a front that was given answers has nothing
 * more to do, whichever is first. While no other shard commits, half as many are enough: shards that rest together would
 * commit together, and the processor would have nothing to do meanwhile. A commit that has {@link ENOUGH} by then is cheap
 * enough for each of them, and does not rest. There is no timer: while it rests somebody works, and where nobody does it
 * goes on.
 */
import type { FrontLink } from './front-link.js';

/** Records. Most of what a commit costs beside its records is shared by so many; waiting for more leaves a processor idle. */
const ENOUGH = 40;
/** Answers. So many at once were asked for in batches: a front reads those in less time than a commit takes. */
const BULK = 512;

export class Rest {
  readonly #links: FrontLink[] = [];
  #answers = 0;
  #wanted = 0;
  #end: (() => void) | null = null;

  /** Before answers go out to this front. */
  expect(link: FrontLink, answers: number): void {
    link.gather(answers);
    this.#links.push(link);
    this.#answers += answers;
  }

  /**
   * @param gathered records that wait for the next commit already
   * @param isCommitting another shard
   * @returns null where there is nothing to wait for
   */
  begin(gathered: number, isCommitting: boolean): Promise<void> | null {
    this.#wanted = gathered + this.#answers;
    if (this.#answers === 0 || !this.#goesOn(gathered, isCommitting)) {
      this.#forget();
      return null;
    }
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Ends the rest if that is due; see {@link begin}. */
  look(gathered: number, isCommitting: boolean): void {
    const end = this.#end;
    if (end === null || this.#goesOn(gathered, isCommitting)) return;
    this.#end = null;
    this.#forget();
    end();
  }

  /** Tells fronts how many are missing, since some that came were not for this shard. */
  #goesOn(gathered: number, isCommitting: boolean): boolean {
    const missing = this.#wanted - gathered - (isCommitting ? 0 : this.#answers >> 1);
    const isEnough = gathered >= ENOUGH && this.#answers < BULK;
    if (missing <= 0 || isEnough || this.#links.some((link) => !link.gathers)) return false;
    for (const link of this.#links) link.gatherOn(missing);
    return true;
  }

  #forget(): void {
    for (const link of this.#links) link.gatherNoMore();
    this.#links.length = 0;
    this.#answers = 0;
  }
}
