/**
 * Between two commits the clients that were just answered may ask again, and what they ask makes the next commit larger.
 * A shard rests until as many commands have come as answers went out, or until a front that was given answers has nothing
 * more to do, whichever is first. There is no timer: while it rests somebody works, and where nobody does it goes on.
 */
import type { FrontLink } from './front-link.js';

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
   * @returns null where there is nothing to wait for
   */
  begin(gathered: number): Promise<void> | null {
    this.#wanted = gathered + this.#answers;
    if (this.#answers === 0 || !this.#goesOn(gathered)) {
      this.#forget();
      return null;
    }
    return new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Ends the rest if that is due. @param gathered records that wait for the next commit now */
  look(gathered: number): void {
    const end = this.#end;
    if (end === null || this.#goesOn(gathered)) return;
    this.#end = null;
    this.#forget();
    end();
  }

  /** Tells fronts how many are missing, since some that came were not for this shard. */
  #goesOn(gathered: number): boolean {
    const missing = this.#wanted - gathered;
    if (missing <= 0 || this.#links.some((link) => !link.gathers)) return false;
    for (const link of this.#links) link.gatherOn(missing);
    return true;
  }

  #forget(): void {
    for (const link of this.#links) link.gatherNoMore();
    this.#links.length = 0;
    this.#answers = 0;
  }
}
