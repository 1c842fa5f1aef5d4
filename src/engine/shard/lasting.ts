/** Faults that trying again does not mend: a shard that meets one stops, and says why by a code that stays. */
import { MillraceError } from '../../platform/errors.js';

/** What is wrong is in the shard's own data, … */
const DAMAGE: ReadonlySet<string> = new Set(['MR_SEAL_BROKEN', 'MR_DIVERGENCE']);
/** … or in whose it is. */
const LASTING: ReadonlySet<string> = new Set([...DAMAGE, 'MR_SHARD_MISMATCH', 'MR_FENCED']);

export const codeOf = (error: unknown): string | null => (error instanceof MillraceError ? error.code : null);

export const isLasting = (error: unknown): boolean => LASTING.has(codeOf(error) ?? '');

/** The shard's own data, which an operator has to look at; the other shards have nothing to do with it. */
export const isDamage = (error: unknown): boolean => DAMAGE.has(codeOf(error) ?? '');
