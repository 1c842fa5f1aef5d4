/** Merchants by the shard they belong to. */
import { slotOf } from '../../../src/engine/slot.js';

/** A merchant's id whose slot is one of the first half (shard 0 of two) or of the second. */
export function merchantOf(shard: 0 | 1, name: string): string {
  for (let number = 0; ; number++) {
    const merchant = `${name}-${number}`;
    if (slotOf(merchant) < 8192 === (shard === 0)) return merchant;
  }
}
