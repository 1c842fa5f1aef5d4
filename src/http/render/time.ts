import type { Micros } from '../../ledger/record.js';

/** "2026-11-21T10:17:03.123456Z" */
export function formatTime(_micros: Micros): string {
  throw new Error('not built yet');
}
