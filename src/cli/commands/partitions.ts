/** `millrace detach` and `millrace attach`. */
import type { Command } from 'commander';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

export function addPartitions(program: Command): void {
  addDetach(program);
  addAttach(program);
}

function addDetach(program: Command): void {
  program
    .command('detach')
    .description('move old partitions of the log into files, which verify still checks')
    .requiredOption('--before <time>', 'RFC 3339; only partitions whose last record is older')
    .requiredOption('--to <folder>', 'where the files go; they must stay there')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Example:
  millrace detach --before 2030-01-01T00:00:00Z --to /mnt/log

A partition goes when it is full, its keys are forgotten (keys.window) and none of its holds is open.
${EXIT_CODES}`,
    )
    .action(async ({ before, to, ...options }: WithConfig & { readonly before: string; readonly to: string }) => {
      const { detachCommand } = await import('../detach.js');
      process.exitCode = await detachCommand({ before, to }, ...(await argumentsOf(options)));
    });
}

function addAttach(program: Command): void {
  program
    .command('attach')
    .description('bring back partitions of the log that detach has moved into files')
    .requiredOption('--since <time>', 'RFC 3339; all partitions whose last record is not older')
    .option('--from <folder>', 'where the files are now; default: where they were written to')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Example:
  millrace attach --since 2029-11-01T00:00:00Z

Newest first, each whole or not at all. Its transactions are read, listed and acted on as before; the files stay where they are.
${EXIT_CODES}`,
    )
    .action(async ({ since, from, ...options }: WithConfig & { readonly since: string; readonly from?: string }) => {
      const { attachCommand } = await import('../attach.js');
      process.exitCode = await attachCommand({ since, from: from ?? null }, ...(await argumentsOf(options)));
    });
}
