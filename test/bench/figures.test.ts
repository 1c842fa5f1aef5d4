import { describe, expect, it } from 'vitest';
import { RowBuffer } from '../../bench/bare-copy.js';
import { postgresLabel, usedSince } from '../../bench/cpu.js';
import { medianOf, ratiosOf, spreadOf, spreadText } from '../../bench/figures/spread.js';
import { parseStat, parseSwitches, switchesOf, threadsOf } from '../../bench/proc.js';

describe('a line of /proc/…/stat', () => {
  const line = (name: string): string =>
    `4711 (${name}) S 42 4711 4711 0 -1 4194304 100 200 0 0 150 25 30 5 20 0 11 0 1000 1000000 500 18446744073709551615`;

  it('gives the times of the process and of its ended children in microseconds', () => {
    expect(parseStat(line('node'))).toEqual({
      id: 4711,
      name: 'node',
      parent: 42,
      cpuMicros: 1_750_000,
      endedChildrenMicros: 350_000,
    });
  });

  it('is read right whatever the process calls itself', () => {
    expect(parseStat(line('a) S 1 (b'))).toMatchObject({ name: 'a) S 1 (b', parent: 42 });
  });

  it('is told from other texts', () => {
    expect(() => parseStat('cpu 1 2 3')).toThrow(/not a line/);
  });

  it.runIf(process.platform === 'linux')('is there for each thread of this process', () => {
    const threads = threadsOf(process.pid);
    expect(threads.map(({ id }) => id)).toContain(process.pid);
    expect(threads.length).toBeGreaterThan(1);
  });
});

describe('context switches', () => {
  it('are those that were wanted and those that were not, of a thread', () => {
    expect(parseSwitches('Name:\tx\nvoluntary_ctxt_switches:\t120\nnonvoluntary_ctxt_switches:\t7\n')).toBe(127);
  });

  it('are none of a thread that has ended', () => {
    expect(switchesOf(process.pid, 2 ** 30)).toBe(0);
  });

  it.runIf(process.platform === 'linux')('are counted for this process', () => {
    expect(switchesOf(process.pid)).toBeGreaterThan(0);
  });
});

describe('CPU time', () => {
  it('is what was added since, without what stood still; what is new counts whole', () => {
    const used = usedSince(
      new Map([
        ['front', 10],
        ['main', 5],
      ]),
      new Map([
        ['front', 25],
        ['main', 5],
        ['worker', 7],
      ]),
    );
    expect([...used]).toEqual([
      ['front', 15],
      ['worker', 7],
    ]);
  });

  it('of a database is told apart by what the session or process calls itself', () => {
    expect(postgresLabel('postgres: millrace millrace [local] COPY', 'millrace-shard-0-0a1b2c3d')).toBe(
      'sessions that commit',
    );
    expect(postgresLabel('postgres: millrace millrace [local] idle', 'millrace folds shard-0')).toBe(
      'sessions that fold',
    );
    expect(postgresLabel('postgres: millrace millrace [local] idle', 'bench')).toBe('other sessions');
    expect(postgresLabel('postgres: io worker 2', undefined)).toBe('io worker');
  });
});

describe('figures of several rounds', () => {
  it('come to their median and extremes', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
    expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
    expect(spreadText(spreadOf([90, 100, 110]))).toBe('±10 %');
    expect(() => spreadOf([])).toThrow();
  });

  it('are compared with the limit measured beside them, so that a slow minute counts for both', () => {
    expect(medianOf(ratiosOf([50, 10, 55], [100, 20, 100]))).toBe(0.5);
  });
});

describe('rows for the bare COPY', () => {
  const row = (position: number, text: string): Buffer => {
    const bytes = Buffer.alloc(2 + 12 + 4 + text.length);
    bytes.writeInt16BE(2, 0);
    bytes.writeInt32BE(8, 2);
    bytes.writeBigInt64BE(BigInt(position), 6);
    bytes.writeInt32BE(text.length, 14);
    bytes.write(text, 18, 'latin1');
    return bytes;
  };
  const header = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
  const trailer = Buffer.from('ffff', 'hex');

  it('are the given ones over and over, numbered anew from any position', () => {
    const rows = new RowBuffer(Buffer.concat([header, row(7, 'a'), row(8, 'bcd'), trailer]), 3);
    const expected = (first: number): Buffer =>
      Buffer.concat([header, row(first, 'a'), row(first + 1, 'bcd'), row(first + 2, 'a'), trailer]);
    expect(rows.startingAt(1).equals(expected(1))).toBe(true);
    expect(rows.startingAt(2 ** 33).equals(expected(2 ** 33))).toBe(true);
  });

  it('are needed: an empty log is an error', () => {
    expect(() => new RowBuffer(Buffer.concat([header, trailer]), 3)).toThrow(/no row/);
  });
});
