import type { Micros } from '../../ledger/record.js';

const MICROS_PER_SECOND = 1_000_000;

let cachedSecond = -1;
let cachedText = '';

/** RFC 3339, UTC, always six digits: "2026-11-21T10:17:03.123456Z". */
export function formatTime(micros: Micros): string {
  const second = Math.floor(micros / MICROS_PER_SECOND);
  // Answers of one second share all but the fraction; making a date text takes ten times as long as the rest.
  if (second !== cachedSecond) {
    cachedText = new Date(second * 1000).toISOString().slice(0, 20);
    cachedSecond = second;
  }
  // A leading 1 keeps the zeros of the fraction.
  const fraction = String(MICROS_PER_SECOND + (micros - second * MICROS_PER_SECOND));
  return `${cachedText}${fraction.substring(1)}Z`;
}
