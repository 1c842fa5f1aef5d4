import type { Micros } from '../../ledger/record.js';

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/** The years whose microseconds are safe integers. */
const YEAR_MIN = 1970;
const YEAR_MAX = 2254;

/**
 * A time of RFC 3339, UTC or with an offset, with at most microseconds and within 1970 to 2254; null where the text is
 * not that. A leap second (:60) is not one of ours.
 */
export function parseTime(text: string): Micros | null {
  const match = RFC3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const y = Number(year);
  if (y < YEAR_MIN || y > YEAR_MAX || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  if (Number(offsetHour) > 23 || Number(offsetMinute) > 59) return null;
  const date = new Date(Date.UTC(y, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)));
  // A day that the month does not have rolls over into the next.
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return null;
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60_000 * (sign === '-' ? -1 : 1);
  const micros = (date.getTime() - offsetMs) * 1000 + Number(fraction.padEnd(6, '0'));
  return micros >= 0 ? micros : null;
}
