/** Logging: lines of text for a person at a terminal, JSON for everything else. */

import type { DestinationStream, Logger } from 'pino';
import { pino } from 'pino';

export type Log = Logger;

export interface LogOptions {
  readonly level: string;
  /** `auto`: text if the output is a terminal. */
  readonly format?: 'auto' | 'json' | 'text';
  /** Defaults to standard error, so that standard output stays for results. */
  readonly output?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const QUIET_FIELDS = new Set(['level', 'time', 'msg', 'pid', 'hostname', 'err']);

/** Header fields and settings that must never reach a log, wherever they stand in what is logged. */
const SECRETS = ['token', 'password', 'authorization', '*.token', '*.password', '*.authorization', '*.url', 'url'];

export function createLog(options: LogOptions): Log {
  const output = options.output ?? process.stderr;
  const format = options.format ?? 'auto';
  const asText = format === 'text' || (format === 'auto' && output.isTTY === true);
  const destination: DestinationStream = {
    write: (line) => void output.write(asText ? textOf(line) : line),
  };
  return pino({ level: options.level, redact: SECRETS, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** One line as `12:30:01.123 warn  shard-0 restarts  attempt=2`. */
function textOf(line: string): string {
  const entry = JSON.parse(line) as Record<string, unknown>;
  const time = String(entry.time).slice(11, 23);
  const level = (LEVEL_NAMES[Number(entry.level)] ?? '').padEnd(5);
  const rest = Object.entries(entry)
    .filter(([name]) => !QUIET_FIELDS.has(name))
    .map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const error = entry.err as { readonly stack?: string; readonly message?: string } | undefined;
  const trace = error === undefined ? '' : `\n${error.stack ?? error.message ?? ''}`;
  return `${time} ${level} ${String(entry.msg ?? '')} ${rest}${trace}\n`;
}
