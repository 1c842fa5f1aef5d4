/** Reads a CSV file of any size as a stream of lines. */
import { createReadStream } from 'node:fs';
import type { InfoRecord, Options } from 'csv-parse';
import { parse } from 'csv-parse';
import { ConfigError } from '../../platform/errors.js';
import type { ImportMap } from './map-schema.js';
import type { Line } from './template.js';

export interface FileLine {
  readonly fields: Line;
  /** Number of the line in the file where it ends, from 1. */
  readonly number: number;
  /** Bytes of the file up to its end; of a line that cannot be read, somewhere in it. */
  readonly endOffset: number;
  /** Why it cannot be read; null for a line that can. `fields` then holds the raw text. */
  readonly fault: string | null;
}

/** Where reading begins: after so many bytes and lines. */
export interface Start {
  readonly offset: number;
  readonly lines: number;
}

const LINE_BYTES_MAX = 1 << 20;

interface Parsed {
  readonly record: string[];
  readonly info: InfoRecord;
}

function optionsOf({ csv }: ImportMap): Options {
  return {
    delimiter: csv.delimiter,
    quote: csv.quote,
    escape: csv.quote,
    encoding: csv.encoding,
    // All of them, not the one that comes first: where a file has several, its lines would depend on where reading begins.
    record_delimiter: ['\r\n', '\n', '\r'],
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: LINE_BYTES_MAX,
  };
}

/**
 * Names of the columns, and where the first line after them begins.
 * @throws ConfigError where the file has no header that it should have
 */
export async function readColumns(
  file: string,
  map: ImportMap,
): Promise<{ readonly columns: Line; readonly start: Start }> {
  if (!map.csv.header) return { columns: map.csv.columns ?? [], start: { offset: 0, lines: 0 } };
  const source = createReadStream(file);
  const parser = source.pipe(parse({ ...optionsOf(map), bom: true, to: 1 }));
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      const columns = map.csv.columns ?? record.map((name) => name.trim());
      if (columns.length !== record.length) {
        throw new ConfigError(`csv.columns: names ${columns.length} columns, the file has ${record.length}`);
      }
      return { columns, start: { offset: info.bytes, lines: info.lines } };
    }
  } finally {
    source.destroy();
  }
  throw new ConfigError(`${file}: is empty, must begin with a line that names its columns`);
}

/** All lines from `start` on, those that cannot be read among them, in order. */
export async function* readLines(file: string, map: ImportMap, start: Start): AsyncGenerator<FileLine> {
  const faults: FileLine[] = [];
  const last: FileLine[] = [];
  const at = (bytes: number, lines: number) => ({ endOffset: start.offset + bytes, number: start.lines + lines });
  const source = createReadStream(file, { start: start.offset, highWaterMark: 1 << 18 });
  const parser = parse({
    ...optionsOf(map),
    bom: start.offset === 0,
    raw: true,
    skip_records_with_error: true,
    on_skip: (error, raw) => {
      const { bytes, lines } = parser.info;
      const message = error?.message.split('\n')[0] ?? 'the line cannot be read';
      const line = { fields: [(raw ?? '').replace(/\r?\n$/, '')], ...at(bytes, lines), fault: message };
      // The one fault that is found at the end of the file: it comes behind all other lines.
      if (error?.code === 'CSV_QUOTE_NOT_CLOSED') last.push(line);
      else faults.push(line);
      return undefined;
    },
  });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>) {
      while (faults[0] !== undefined && faults[0].endOffset < start.offset + info.bytes)
        yield faults.shift() as FileLine;
      yield { fields: record, ...at(info.bytes, info.lines), fault: null };
    }
    yield* faults;
    yield* last;
  } finally {
    source.destroy();
  }
}
