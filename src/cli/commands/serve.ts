/** `millrace serve`: runs the engine under a small parent process, or is that engine. */
import type { Command } from 'commander';
import { outliveReaders } from '../readers.js';
import { ENGINE_MARK, superviseEngine } from '../serve/parent.js';
import { configOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

/** @param main the file that this process runs: the engine's own process runs it too */
export function addServe(program: Command, main: string): void {
  program
    .command('serve')
    .description('run the engine')
    .addOption(configOption())
    .option('--take-over', 'take shards that another engine still holds', false)
    .option('--print-config', 'print the configuration in force, secrets left out, and end', false)
    .addHelpText(
      'after',
      `
Examples:
  millrace serve                                   two embedded Postgres shards in ./.millrace
  millrace serve --config production.yaml          shards of your own
  MILLRACE_HTTP__PORT=9000 millrace serve          any key of the configuration, from the environment
  millrace serve --print-config                    what would be in force

SIGTERM finishes what is in flight, commits and ends with 0; a second one ends at once, and loses nothing answered.
${EXIT_CODES}`,
    )
    .action(async (options: WithConfig & { readonly takeOver: boolean; readonly printConfig: boolean }) => {
      if (options.printConfig) {
        const { printConfig } = await import('../../platform/config/config.js');
        process.stdout.write(printConfig(await configOf(options)));
        return;
      }
      outliveReaders();
      process.exitCode =
        process.env[ENGINE_MARK] === undefined
          ? await superviseEngine(main, process.argv.slice(2))
          : await runHere(options);
      // The engine's threads are down; what is left (a socket's last timer) must not keep the process.
      process.exit();
    });
}

/** In the process that the parent has started: a mistake in the configuration ends both. */
async function runHere(options: WithConfig & { readonly takeOver: boolean }): Promise<number> {
  const config = await configOf(options);
  const { createLog } = await import('../../platform/log.js');
  const { runEngine } = await import('../serve/engine.js');
  return runEngine({ config, takeOver: options.takeOver, log: createLog(config.log) });
}
