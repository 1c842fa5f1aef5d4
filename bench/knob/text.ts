/** What settings have come to, as tables for a terminal. */
import { textTable } from '../../src/cli/io.js';
import { machineText } from '../figures/machine.js';
import { spreadOf, spreadText } from '../figures/spread.js';
import { whole } from '../suite/progress.js';
import type { KnobResults } from './schema.js';

const DEFAULTS = 'defaults';

export function knobText(results: KnobResults): string {
  const { machine, seconds, shape, driver, connections, transactions, durationS, defaults } = results;
  const request = transactions === 1 ? '' : ` of ${transactions}`;
  return [
    `${machineText(machine)}; ${seconds} s`,
    `${shape}${request}, ${driver}, ${connections} connections; ${defaults.rounds.engine.length} rounds of ${durationS} s, in turn.`,
    'Load generator, engines and databases all on this machine; an engine that is not loaded is at rest.',
    '',
    speedTable(results),
    settlementTable(results),
  ].join('\n');
}

function speedTable({ defaults, variants }: KnobResults): string {
  const sides = [
    { ...defaults, name: DEFAULTS, ratio: '', verdict: '' },
    ...variants.map((variant) => ({ ...variant, ratio: variant.ratio.toFixed(3) })),
  ];
  return textTable(
    [
      '',
      'transactions/s',
      'of the defaults',
      'rows a commit',
      'CPU µs',
      'without generator',
      'p50 ms',
      'p99',
      'verdict',
    ],
    sides.map(({ name, rounds, ratio, rowsPerCommit, cpuMicros, cpuMicrosWithoutGenerator, latencyMs, verdict }) => {
      const spread = spreadOf(rounds.engine);
      return [
        name,
        `${whole(spread.median)} ${spreadText(spread)}`,
        ratio,
        whole(rowsPerCommit),
        ...[cpuMicros, cpuMicrosWithoutGenerator].map((micros) => micros.toFixed(1)),
        ...[latencyMs.p50, latencyMs.p99].map((ms) => ms.toFixed(1)),
        verdict,
      ];
    }),
  );
}

function settlementTable({ defaults, variants }: KnobResults): string {
  return textTable(
    ['settlement', 'answered as posted', 'dropped at most', 'stored', 'answered = stored', 'verify'],
    [{ ...defaults, name: DEFAULTS }, ...variants].map(({ name, settlement }) => [
      name,
      ...[settlement.answered, settlement.dropped, settlement.stored].map(whole),
      settlement.agrees ? 'yes' : 'NO',
      settlement.verify,
    ]),
  );
}
