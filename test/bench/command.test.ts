import { expect, it } from 'vitest';
import { commandOf } from '../../bench/command.js';

it.each([
  [['--minutes', '5'], /--minutes does not go with the long run, which takes --json/],
  [['--quick', '--connections', '5'], /--connections does not go with --quick/],
  [['--quick', '--share', '0.5'], /--share does not go with --quick/],
  [['--growth', '1', '--workload', 'replays'], /--workload does not go with --growth/],
  [['--profile', 'folder', '--json', 'file'], /--json does not go with --profile, which takes --profile, --duration/],
  [['--workload', 'replays', '--rounds', '2'], /--rounds does not go with --workload/],
  [['knob', 'http.threads=2', '--html', 'page'], /--html does not go with knob/],
  [['soak', '--duration', '5'], /--duration does not go with soak, which takes --minutes/],
  [['report', 'file', '--quick'], /--quick does not go with report/],
  [['compare', 'old', 'new', '--json', 'file'], /--json does not go with compare, which takes no options/],
  [['compair', 'old', 'new'], /there is no command "compair"/],
])('%j would do other than was meant, and is refused', (args, why) => {
  expect(() => commandOf(args)).toThrow(why);
});

it.each([
  [['--json', 'file', '--html', 'page']],
  [['--quick', '--stream', '--floors', 'bench/floors.json']],
  [['--workload', 'hot-account,tb-perf', '--connections', '1,64', '--rates', '5000', '--duration', '3']],
  [['--growth', '1,3,10', '--quick', '--rounds', '3', '--duration', '3']],
  [['--profile', 'folder', '--duration', '5']],
  [
    [
      'knob',
      'http.threads=2',
      '--shape',
      'batches',
      '--connections',
      '8',
      '--rounds',
      '2',
      '--duration',
      '1',
      '--json',
      'file',
    ],
  ],
  [['soak', '--minutes', '5', '--share', '0.5', '--connections', '8', '--seed', '3', '--json', 'file']],
  [['report', 'file', '--html', 'page']],
  [['report', 'file', '--plots', 'folder']],
  [['compare', 'old', 'new']],
])('%j is taken as the help has it', (args) => {
  expect(commandOf(args)?.maxMs).toBeGreaterThan(0);
});
