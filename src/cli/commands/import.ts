/** `millrace import`. */
import { type Command, Option } from 'commander';
import { wholeWithin } from '../option-values.js';
import { EXIT_CODES, urlOption } from './shared.js';

export function addImport(program: Command): void {
  program
    .command('import')
    .description('turn the lines of a CSV file into transactions')
    .argument('<file>', 'the CSV file; any size')
    .requiredOption('--map <file>', 'how lines become transactions (YAML); see examples/bank.map.yaml')
    .addOption(new Option('--key <key>', 'API key of the merchant').env('MILLRACE_KEY').makeOptionMandatory())
    .addOption(urlOption())
    .option('--batch <items>', 'items in a request, at most 8192', wholeWithin(1, 8192))
    .option('--lanes <requests>', 'requests on their way at a time, at most 64', wholeWithin(1, 64))
    .option('--from-start', 'read the file from its beginning, whatever an earlier run has noted', false)
    .addHelpText(
      'after',
      `
Examples:
  MILLRACE_KEY=$(cat .millrace/dev-key) millrace import examples/book.csv --map examples/bank.map.yaml

Lines that do not fit go to FILE.rejects.csv with the reason. After a kill, run the same line again: each row has a key
of its own, so nothing is posted twice.
${EXIT_CODES}`,
    )
    .action(
      async (
        file: string,
        options: {
          readonly map: string;
          readonly key: string;
          readonly url: string;
          readonly batch?: number;
          readonly lanes?: number;
          readonly fromStart: boolean;
        },
      ) => {
        const { importCommand } = await import('../import.js');
        process.exitCode = await importCommand({ file, ...options }, process);
      },
    );
}
