/**
 * What both readers of bodies share: limits, the place in the document, and problems.
 *
 * A document that cannot be read (`malformed_body`) ends the reading at once. A value that can be read but is never
 * allowed is noted and reading goes on, so that the first problem by the order of the error table is answered.
 */
import type { ErrorCode } from '../../ledger/errors.js';
import { errorByCode } from '../../ledger/errors.js';
import type { BodyValue } from '../types.js';
import { RequestProblem } from '../types.js';
import { pointer } from './pointer.js';

/** Objects and arrays inside each other, the outermost included. */
const DEPTH_MAX = 8;
/** Objects and arrays in one body: bounds memory, since each takes far more of it than of the body. */
const CONTAINERS_MAX = 262_144;
/** Values of all kinds in one body: bounds how long reading can hold up a front. No batch that fits has as many. */
const VALUES_MAX = 1_048_576;
/** Members of one object: bounds what keys chosen to collide can cost. */
const MEMBERS_MAX = 1024;

export class Reading {
  /** Keys and indices from the root to the value being read. */
  readonly path: (string | number)[] = [];
  #containers = 0;
  #values = 0;
  #noted: RequestProblem | null = null;

  pointer(): string {
    return pointer(...this.path);
  }

  malformed(detail: string): never {
    throw new RequestProblem('malformed_body', detail, this.path.length === 0 ? null : this.pointer());
  }

  /** Keeps the problem that comes first in the error table, and among equals in the document. */
  note(code: ErrorCode, detail: string): void {
    if (this.#noted === null || errorByCode(code).number < errorByCode(this.#noted.code).number) {
      this.#noted = new RequestProblem(code, detail, this.pointer());
    }
  }

  /** Called once the whole document was read. */
  finish(value: BodyValue): BodyValue {
    if (this.#noted !== null) throw this.#noted;
    return value;
  }

  /** Called before each value in an object or array. */
  count(): void {
    if (++this.#values > VALUES_MAX) this.malformed(`The body has more than ${VALUES_MAX} values.`);
  }

  /** Called before an object or array is read, with the depth that it has. */
  enter(depth: number): void {
    if (depth > DEPTH_MAX) this.malformed(`Objects and arrays may stand at most ${DEPTH_MAX} deep.`);
    if (++this.#containers > CONTAINERS_MAX)
      this.malformed(`The body has more than ${CONTAINERS_MAX} objects and arrays.`);
  }

  /** Called with each key before its value is read; `path` ends with it. */
  member(members: ReadonlyMap<string, BodyValue>, key: string): void {
    this.count();
    if (members.has(key)) this.malformed('The field stands twice in its object.');
    if (members.size === MEMBERS_MAX) this.malformed(`An object may have at most ${MEMBERS_MAX} fields.`);
    if (key === '__proto__') this.note('unknown_field', 'No field may be called __proto__.');
  }
}
