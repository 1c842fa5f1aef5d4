/** `millrace verify`. */
import type { Command } from 'commander';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('prove every shard from SQL alone, with the engine running or stopped')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Example:
  millrace verify && echo clean

Prints what was checked and over how many rows; ends with 1 at the first lie, naming the row.
${EXIT_CODES}`,
    )
    .action(async (options: WithConfig) => {
      const { verifyCommand } = await import('../verify.js');
      process.exitCode = await verifyCommand(...(await argumentsOf(options)));
    });
}
