/**
 * Large things that runs want many of: those of a run that is over serve the next one. Within a run none is given twice.
 */
import { LogRecord } from '../../../src/ledger/record.js';
import { CopyEncoder } from '../../../src/store/copy/encoder.js';

class Pool<T> {
  readonly #made: T[] = [];
  #given = 0;

  constructor(readonly make: () => T) {}

  take(): T {
    if (this.#given === this.#made.length) this.#made.push(this.make());
    return this.#made[this.#given++] as T; // made above
  }

  takeBack(): void {
    this.#given = 0;
  }
}

const encoders = new Pool(() => new CopyEncoder());
const records = new Pool(() => new LogRecord());

export function pooledEncoder(): CopyEncoder {
  const encoder = encoders.take();
  encoder.clear();
  return encoder;
}

/** To be filled: whatever stands in it is of another run. */
export const pooledRecord = (): LogRecord => records.take();

/** The run is over: nobody has anything of these any more. */
export function takeBack(): void {
  encoders.takeBack();
  records.takeBack();
}
