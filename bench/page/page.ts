/** One page of a run that needs nothing else: no script, no font, no picture from elsewhere. */
import { bulksOf, drivenOf } from '../figures/bulks.js';
import { GROWTH_HEADER, growthRow } from '../figures/grown.js';
import { HELD_HEADER, heldRows } from '../figures/held.js';
import { diskText, machineText } from '../figures/machine.js';
import type { Results } from '../figures/schema.js';
import { spreadOf, spreadText } from '../figures/spread.js';
import { colour, type Plot, WIDTH } from './chart.js';
import { cpuPlots, growthPlots, lagPlots, latencyPlots, stagePlots, throughputPlots } from './plots.js';
import { STYLE } from './style.js';
import { escaped, htmlTable } from './text.js';

const whole = (value: number): string => Math.round(value).toLocaleString('en');
const percent = (ratio: number): string => `${Math.round(ratio * 100)} %`;

export function pageOf(results: Results): string {
  const { at, suite, seconds, machine, disk } = results;
  const title = `Millrace bench, ${at.slice(0, 10)}, ${machine.commit}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escaped(title)}</h1>
<p class="dim">The ${suite} run of ${escaped(at)}, ${whole(seconds)} s. ${escaped(machineText(machine))}. ${escaped(diskText(disk))}. Load generator, engine
and databases share this machine; every transaction that is counted was answered after its COMMIT with fsync.</p>
${tiles(results)}
${section('Speed', speedTable(results) + figures(throughputPlots(results)))}
${section('Latency at a fixed rate', figures(latencyPlots(results)) + latencyTable(results))}
${section('Where the time goes', figures([...cpuPlots(results), ...stagePlots(results)]) + heldTable(results))}
${section('Folds', figures(lagPlots(results)))}
${section('Growth', figures(growthPlots(results)) + growthTable(results))}
${section('Settlement', settlement(results))}
</main>
</body>
</html>
`;
}

const section = (title: string, content: string): string =>
  content === '' ? '' : `<h2>${escaped(title)}</h2>\n${content}`;

const figures = (plots: readonly Plot[]): string => plots.map(figure).join('');

function figure({ title, content, height, names }: Plot): string {
  const items = names.map((name, index) => `<li><span class="key ${colour(index)}"></span>${escaped(name)}</li>`);
  const legend = `<ul class="legend">${items.join('')}</ul>`;
  const svg = `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">${content}</svg>`;
  return `<figure><figcaption>${escaped(title)}</figcaption>${legend}<div class="scroll">${svg}</div></figure>`;
}

function tiles({ single, batch, ordinary, latency, verify, agrees }: Results): string {
  const all: [string, string, string?][] = [];
  if (single !== null) {
    all.push([whole(single.tps), `single transactions a second, ${percent(single.ratioToFront)} of the bare front`]);
  }
  if (batch !== null) {
    const size = `in batches of ${batch.transactions}`;
    all.push([whole(batch.tps), `transactions a second ${size}, ${percent(batch.ratioToCopy)} of bare COPY`]);
  }
  if (ordinary !== null) all.push([`${ordinary.ratio} ×`, `the ordinary way, ${whole(ordinary.tps)} a second`]);
  if (latency !== null) {
    all.push([
      `${latency.p99Ms.toFixed(1)} ms`,
      `p99 at ${whole(latency.offeredPerSecond)}/s; p50 ${latency.p50Ms.toFixed(1)} ms`,
    ]);
  }
  const isClean = verify === 'clean' && agrees;
  all.push([
    verify,
    agrees ? 'verify; all that was answered is stored' : 'ANSWERS AND LOG DISAGREE',
    isClean ? 'good' : 'bad',
  ]);
  const tile = ([figure, words, kind = '']: [string, string, string?]): string =>
    `<div class="tile"><b class="${kind}">${escaped(figure)}</b><span>${escaped(words)}</span></div>`;
  return `<div class="tiles">${all.map(tile).join('')}</div>`;
}

function speedTable(results: Results): string {
  const { singleByDriver, ordinary, pgbench, workloads } = results;
  const spread = (rounds: readonly number[]): string => {
    const of = spreadOf(rounds);
    return rounds.length === 1 ? whole(of.median) : `${whole(of.median)} ${spreadText(of)}`;
  };
  const behind = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const rows = Object.values(singleByDriver).map((one) => [
    `single, ${one.driver}, ${one.connections} connections`,
    spread(one.rounds.engine),
    `${spread(one.rounds.front)} bare front`,
    percent(one.ratioToFront),
    whole(one.rowsPerCommit),
    behind(one.foldLagMs),
  ]);
  for (const { name, figures } of bulksOf(results)) {
    const { rounds, connections, rowsPerCommit, foldLagMs, ratioToCopy, ratioToCopyInPieces } = figures;
    const title = `${name}, ${connections} connections`;
    const rest = [whole(rowsPerCommit), behind(foldLagMs)];
    rows.push([title, spread(rounds.engine), `${spread(rounds.copy)} bare COPY`, percent(ratioToCopy), ...rest]);
    const inPieces = `${spread(rounds.copyInPieces)} COPY in pieces`;
    rows.push([title, spread(rounds.engine), inPieces, percent(ratioToCopyInPieces), ...rest]);
  }
  if (ordinary !== null) {
    rows.push(['the ordinary way, single', spread(ordinary.rounds.ordinary), '', `1 / ${ordinary.ratio}`, '', '']);
  }
  if (pgbench !== null) {
    rows.push(['pgbench, TPC-B, 20 sessions', whole(pgbench.tps), '', `1 / ${pgbench.ratio}`, '', '']);
  }
  for (const { name, closed } of workloads) {
    for (const one of closed) {
      const front = one.frontPerSecond === 0 ? '' : `${whole(one.frontPerSecond)} bare front`;
      const reached = one.frontPerSecond === 0 ? '' : percent(one.requestsPerSecond / one.frontPerSecond);
      rows.push([`${name}, ${one.connections} connections`, whole(one.tps), front, reached, '', behind(one.foldLagMs)]);
    }
  }
  if (rows.length === 0) return '';
  return htmlTable(['', 'transactions/s', 'limit', 'reached', 'rows a commit', 'folds behind'], rows);
}

function latencyTable({ latency, workloads }: Results): string {
  const all = [
    ...(latency === null ? [] : [['single', latency] as const]),
    ...workloads.flatMap(({ name, open }) => open.map((one) => [name, one] as const)),
  ];
  if (all.length === 0) return '';
  return htmlTable(
    ['', 'offered/s', 'achieved/s', 'errors', 'p50 ms', 'p90', 'p99', 'p99.9', 'max', 'generator late p99'],
    all.map(([name, one]) => [
      name,
      ...[one.offeredPerSecond, one.achievedPerSecond, one.errors].map(whole),
      ...[one.p50Ms, one.p90Ms, one.p99Ms, one.p999Ms, one.maxMs, one.generatorLagP99Ms].map((ms) => ms.toFixed(2)),
    ]),
  );
}

function heldTable(results: Results): string {
  const all = drivenOf(results);
  return all.length === 0 ? '' : htmlTable(HELD_HEADER, heldRows(all));
}

function growthTable({ growth }: Results): string {
  if (growth.length === 0) return '';
  return htmlTable(GROWTH_HEADER, growth.map(growthRow));
}

function settlement({
  answered,
  dropped,
  stored,
  refused,
  agrees,
  verify,
  foldLagMs,
  foldLagRecords,
  memory,
}: Results): string {
  const rows = [
    ['answered as posted', whole(answered)],
    ['dropped by a driver at the end of rounds, at most', whole(dropped)],
    ['stored', whole(stored)],
    ['refusals stored', whole(refused)],
    ['answered = stored, but for the dropped', agrees ? 'yes' : 'NO'],
    ['folds behind when the last load ended', `${(foldLagMs / 1000).toFixed(1)} s, ${whole(foldLagRecords)} records`],
    ['verify', verify],
  ];
  if (memory !== null) {
    rows.push(['memory of an account', `${memory.account.toFixed(1)} bytes`]);
    rows.push(['memory of a remembered key', `${memory.key.toFixed(1)} bytes`]);
  }
  return htmlTable(['', ''], rows);
}
