/** Durations as people write them. */
const MICROS_BY_UNIT: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
};

/**
 * "7d", "15m", "500ms" in microseconds.
 * @throws RangeError for anything else
 */
export function durationMicros(text: string): number {
  const match = /^([0-9]+)(us|ms|s|m|h|d)$/.exec(text);
  const unit = MICROS_BY_UNIT[match?.[2] ?? ''];
  const micros = Number(match?.[1]) * (unit ?? Number.NaN);
  if (!Number.isSafeInteger(micros)) throw new RangeError(`not a duration: ${text}`);
  return micros;
}
