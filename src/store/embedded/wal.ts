/**
 * Names of the files of a server's write-ahead log: timeline, then the file's number in two parts, eight digits each in
 * capital hexadecimal. Within one timeline they sort as they follow each other.
 */
import { EmbeddedServerError } from '../../platform/errors.js';

const NAME = /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/;
const TWO_32 = 2n ** 32n;

export const isWalName = (name: string): boolean => NAME.test(name);

/** All files from `first` to `last`, both included, in order. */
export function walNames(first: string, last: string, segmentBytes: number): readonly string[] {
  const from = parse(first, segmentBytes);
  const to = parse(last, segmentBytes);
  if (from.timeline !== to.timeline) {
    throw new EmbeddedServerError(`the files ${first} and ${last} are of two histories`);
  }
  const names: string[] = [];
  for (let number = from.number; number <= to.number; number++) names.push(nameOf(from.timeline, number, segmentBytes));
  return names;
}

/** Where a file ends, in bytes from the beginning of the log: the next one begins there. */
export const endOf = (name: string, segmentBytes: number): bigint =>
  (parse(name, segmentBytes).number + 1n) * BigInt(segmentBytes);

/** The file of the same timeline that a place of the log lies in. */
export const fileAt = (lsn: bigint, like: string, segmentBytes: number): string =>
  nameOf(parse(like, segmentBytes).timeline, lsn / BigInt(segmentBytes), segmentBytes);

/** A place as Postgres writes it, such as 16/B374D848 (https://www.postgresql.org/docs/current/datatype-pg-lsn.html). */
export function parseLsn(text: string): bigint {
  const [, high, low] = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/.exec(text) ?? [];
  if (high === undefined || low === undefined)
    throw new EmbeddedServerError(`${text} is no place of the write-ahead log`);
  return BigInt(`0x${high}`) * TWO_32 + BigInt(`0x${low}`);
}

const perPart = (segmentBytes: number): bigint => TWO_32 / BigInt(segmentBytes);

function parse(name: string, segmentBytes: number): { readonly timeline: string; readonly number: bigint } {
  const [, timeline, high, low] = NAME.exec(name) ?? [];
  if (timeline === undefined || high === undefined || low === undefined) {
    throw new EmbeddedServerError(`${name} is no name of a file of the write-ahead log`);
  }
  return { timeline, number: BigInt(`0x${high}`) * perPart(segmentBytes) + BigInt(`0x${low}`) };
}

function nameOf(timeline: string, number: bigint, segmentBytes: number): string {
  const hex = (part: bigint): string => part.toString(16).toUpperCase().padStart(8, '0');
  return timeline + hex(number / perPart(segmentBytes)) + hex(number % perPart(segmentBytes));
}
