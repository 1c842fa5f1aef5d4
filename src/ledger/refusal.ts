/** Why a command does not happen: the error and the facts that its answer shows. */
import type { ErrorCode } from './errors.js';

/** Amounts as strings of digits, so that nothing rounds. `param` is a JSON pointer into the request body. */
export type RefusalFacts = Readonly<Record<string, unknown>> & { readonly param?: string };

export interface Refusal {
  readonly code: ErrorCode;
  readonly facts: RefusalFacts;
}

export const refusal = (code: ErrorCode, facts: RefusalFacts): Refusal => ({ code, facts });

/** The same refusal of one item of a batch: its pointer begins at the batch's body. */
export function within(prefix: string, one: Refusal): Refusal {
  const param = prefix + (one.facts.param ?? '');
  return { code: one.code, facts: { ...one.facts, param } };
}

/** Of an account's name as a part of a JSON pointer; `~` is no character of names. */
export const pointerPart = (name: string): string => name.replaceAll('/', '~1');

export const refusalDetails = (one: Refusal): string => JSON.stringify(one.facts);
