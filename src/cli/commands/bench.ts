/** `millrace bench`. */
import { type Command, Option } from 'commander';
import { wholeWithin } from '../option-values.js';
import { EXIT_CODES, urlOption } from './shared.js';

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('load a running engine; it posts real transactions, so use a test key')
    .addOption(urlOption())
    .addOption(
      new Option('--key <keys...>', 'API keys, one for each merchant to load')
        .env('MILLRACE_KEY')
        .makeOptionMandatory(),
    )
    .option('--batch <items>', 'transactions in a request, at most 8192', wholeWithin(1, 8192))
    .option('--connections <number>', 'connections at a time', wholeWithin(1, 10_000))
    .option('--duration <seconds>', 'how long', wholeWithin(1, 86_400))
    .addOption(new Option('--driver <driver>', 'what drives the load').choices(['auto', 'wrk', 'autocannon']))
    .option('--json', 'print one JSON text', false)
    .addHelpText(
      'after',
      `
Examples:
  MILLRACE_KEY=$(cat .millrace/dev-key) millrace bench
  MILLRACE_KEY=$(cat .millrace/dev-key) millrace bench --batch 200 --connections 32 --duration 20
${EXIT_CODES}`,
    )
    .action(
      async ({
        key,
        duration,
        ...options
      }: {
        readonly url: string;
        readonly key: readonly string[];
        readonly batch?: number;
        readonly connections?: number;
        readonly duration?: number;
        readonly driver?: 'auto' | 'wrk' | 'autocannon';
        readonly json: boolean;
      }) => {
        const durationS = duration === undefined ? {} : { durationS: duration };
        const { benchCommand } = await import('../bench/bench.js');
        process.exitCode = await benchCommand({ keys: key, ...durationS, ...options }, process);
      },
    );
}
