/** `millrace shards`. */
import type { Command } from 'commander';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

export function addShards(program: Command): void {
  program
    .command('shards')
    .description('the map of slots; size, position, lag, epoch, owner and rate of each shard')
    .addOption(configOption())
    .addHelpText('after', `\nExample:\n  millrace shards\n${EXIT_CODES}`)
    .action(async (options: WithConfig) => {
      const { shardsCommand } = await import('../shards.js');
      process.exitCode = await shardsCommand(...(await argumentsOf(options)));
    });
}
