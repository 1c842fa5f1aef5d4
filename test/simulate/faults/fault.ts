/**
 * A planted fault: the engine with a few words changed, as somebody might write it. The sources stay as they are; a
 * simulator that is to have the fault loads the changed text instead. So the product holds no switch for it.
 */
import type { Plantable } from '../planted.js';

export interface Patch {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Fault {
  /** Short and stable, as in the table of the docs. */
  readonly name: string;
  /** Which promise it breaks, in words. */
  readonly breaks: string;
  readonly patches: readonly Patch[];
  /** Misbehaviour of the virtual database, network or folds beyond what they may; see planted.ts. */
  readonly planted?: readonly Plantable[];
}

/** @throws where a text does not stand in the file exactly once: the fault has to follow the code */
export function patched(fault: Fault, file: string, source: string): string {
  let text = source;
  for (const patch of fault.patches) {
    if (patch.file !== file) continue;
    const places = text.split(patch.find).length - 1;
    if (places !== 1) {
      throw new Error(`fault ${fault.name}: the text to change stands ${places} times in ${file}: ${patch.find}`);
    }
    text = text.replace(patch.find, () => patch.replace);
  }
  return text;
}
