/** Dates of a stated format to RFC 3339. */

export interface DateFormat {
  readonly format: string;
  /** Added to a year of two digits. */
  readonly century: number;
  readonly offset: string;
}

const FIELDS: Readonly<Record<string, string>> = {
  YYYY: '(?<year>[0-9]{4})',
  YY: '(?<year>[0-9]{2})',
  MM: '(?<month>[0-9]{2})',
  DD: '(?<day>[0-9]{2})',
  HH: '(?<hour>[0-9]{2})',
  mm: '(?<minute>[0-9]{2})',
  ss: '(?<second>[0-9]{2})',
};

/**
 * @returns what turns a text into RFC 3339, throwing RangeError with the reason where it cannot
 * @throws RangeError where the format names no whole date
 */
export function dateReader({ format, century, offset }: DateFormat): (text: string) => string {
  const pattern = format.replace(
    /YYYY|YY|MM|DD|HH|mm|ss|[\s\S]/g,
    (token) => FIELDS[token] ?? token.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&'),
  );
  for (const field of ['year', 'month', 'day']) {
    if (!pattern.includes(`<${field}>`)) throw new RangeError(`the format "${format}" has no ${field}`);
  }
  const matcher = new RegExp(`^${pattern}$`);
  const shortYear = !format.includes('YYYY');
  return (text) => {
    const found = matcher.exec(text.trim())?.groups;
    if (found === undefined) throw new RangeError(`date "${text}" is not of the format ${format}`);
    const year = Number(found.year) + (shortYear ? century : 0);
    const { month = '', day = '', hour = '00', minute = '00', second = '00' } = found;
    const plain = `${String(year).padStart(4, '0')}-${month}-${day}T${hour}:${minute}:${second}`;
    const time = new Date(`${plain}Z`);
    // A day that a month does not have would roll over into the next.
    if (Number.isNaN(time.getTime()) || !time.toISOString().startsWith(plain)) {
      throw new RangeError(`date "${text}" does not exist`);
    }
    return `${plain}${offset}`;
  };
}
