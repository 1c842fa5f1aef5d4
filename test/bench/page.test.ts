import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compact, linear, logarithmic, nines } from '../../bench/page/axis.js';
import { pageOf } from '../../bench/page/page.js';
import { writePictures } from '../../bench/page/picture.js';
import { plotsOf } from '../../bench/page/plots.js';
import { someResults, someWorkload } from './support/results.js';

describe('axes', () => {
  it('end at a round number that is not below the most', () => {
    const axis = linear('', 107);
    expect(axis.marks.map(({ value }) => value)).toEqual([0, 50, 100, 150]);
    expect(axis.place(150)).toBe(1);
    expect(linear('', 0).place(0)).toBe(0);
  });

  it('of latencies go from power of ten to power of ten', () => {
    const axis = logarithmic('', 0.4, 30);
    expect(axis.marks.map(({ value }) => value)).toEqual([0.1, 1, 10, 100]);
    expect(axis.place(1)).toBeCloseTo(1 / 3);
  });

  it('of percentiles give each nine the same room', () => {
    const axis = nines(2.4);
    expect(axis.marks.map(({ label }) => label)).toEqual(['0 %', '90 %', '99 %', '99.9 %']);
    expect(axis.place(2)).toBeCloseTo(2 / 3);
  });

  it('say large numbers in short', () => {
    expect([0, 250, 1500, 30_000, 1_200_000].map(compact)).toEqual(['0', '250', '1,500', '30 k', '1.2 M']);
  });
});

describe('the page of a run', () => {
  const full = pageOf(
    someResults({
      workloads: [someWorkload],
      growth: [
        {
          stored: 1_000_000,
          tps: 30_000,
          walBytesPerTransaction: 215,
          diskBytesPerTransaction: 190,
          residentBytes: 300 << 20,
        },
        {
          stored: 3_000_000,
          tps: 29_000,
          walBytesPerTransaction: 219,
          diskBytesPerTransaction: null,
          residentBytes: 310 << 20,
        },
      ],
      stages: { single: { 'front-2': { parse: 0.5, answer: 0.4 }, 'worker-1': { apply: 1.5 } } },
    }),
  );

  it('needs nothing from elsewhere', () => {
    expect(full).not.toMatch(/<script|<link|<img|@import|url\(|https?:\/\//);
  });

  it('has a plot of each thing that was measured, and none of what was not', () => {
    for (const title of [
      'Latency by percentile',
      'over connections',
      'Folds behind',
      'Speed as the log grows',
      'Stages of single',
      'threads held up',
    ]) {
      expect(full).toContain(title);
    }
    const quick = pageOf(someResults());
    expect(quick).toContain('Latency by percentile');
    for (const title of ['over connections', 'Folds behind the log', 'Speed as the log grows', 'Stages of']) {
      expect(quick).not.toContain(title);
    }
  });

  it('has pgbench beside the ordinary way where it was there', () => {
    expect(pageOf(someResults({ pgbench: { tps: 3_300, ratio: 9.1 } }))).toMatch(/pgbench, TPC-B.*3,300.*1 \/ 9\.1/s);
    expect(full).not.toContain('pgbench');
  });

  it('places every point, also of a run of workloads alone', () => {
    for (const page of [
      full,
      pageOf(someResults({ single: null, singleByDriver: {}, batch: null, stream: null, latency: null })),
    ]) {
      expect(page).not.toMatch(/NaN|Infinity|undefined/);
    }
  });

  it('shows a name as it is, whatever is in it', () => {
    const { machine } = someResults();
    expect(pageOf(someResults({ machine: { ...machine, model: '<b>"x" & y</b>' } }))).toContain(
      '&lt;b&gt;&quot;x&quot; &amp; y&lt;/b&gt;',
    );
  });

  it('says that answers and log disagree where they do', () => {
    expect(pageOf(someResults({ agrees: false }))).toContain('ANSWERS AND LOG DISAGREE');
  });
});

describe('pictures of a run', () => {
  it('are a file for each plot, with its title, its legend and its style in it, whatever a workload is called', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-pictures-'));
    try {
      const plots = plotsOf(someResults({ workloads: [{ ...someWorkload, name: 'a<b' }, someWorkload, someWorkload] }));
      const names = writePictures(folder, plots);
      expect(names).toHaveLength(plots.length);
      expect(readdirSync(folder).sort()).toEqual([...names].sort());
      expect(names.filter((name) => name.includes('connections')).at(-1)).toMatch(/-2\.svg$/);
      for (const [index, name] of names.entries()) {
        const picture = readFileSync(join(folder, name), 'utf8');
        expect(picture).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[\d .]+" [^<]*>\n<style>/);
        expect(picture).not.toMatch(/NaN|Infinity|undefined|a<b/);
        for (const word of plots[index]?.names ?? []) expect(picture).toContain(word.replace('<', '&lt;'));
        // As many elements end as begin.
        const begun = picture.match(/<[a-z]+/g)?.length;
        expect(picture.match(/<\/[a-z]+|\/>/g)).toHaveLength(begun ?? 0);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
