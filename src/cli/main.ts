#!/usr/bin/env node
/** The `millrace` command. */
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { loadConfig, printConfig } from '../platform/config/config.js';
import { messageOf, MillraceError } from '../platform/errors.js';
import { createLog } from '../platform/log.js';
import { runEngine } from './serve/engine.js';
import { ExitCode } from './serve/exit-codes.js';
import { ENGINE_MARK, superviseEngine } from './serve/parent.js';

const EXIT_CODES = `
Exit codes:
  0  done
  1  not so: verify found a lie, an import had rejects
  2  a mistake in the command line or the configuration
  3  something that is needed is missing or taken`;

const configOption = () =>
  new Option('--config <file>', 'configuration file (YAML); default ./millrace.yaml where there is one').env('MILLRACE_CONFIG');

const program = new Command('millrace')
  .description('A transaction engine: a durable, double-entry ledger that answers HTTP.')
  .showHelpAfterError('(add --help for the options and examples)')
  .exitOverride()
  .addHelpText('after', EXIT_CODES);

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
  millrace serve --print-config                    what would be in force`,
  )
  .action(async (options: { config?: string; takeOver: boolean; printConfig: boolean }) => {
    const config = loadConfig({ file: options.config, env: process.env, cwd: process.cwd() });
    if (options.printConfig) {
      process.stdout.write(printConfig(config));
      return;
    }
    process.exitCode =
      process.env[ENGINE_MARK] === undefined
        ? await superviseEngine(fileURLToPath(import.meta.url), process.argv.slice(2))
        : await runEngine({ config, takeOver: options.takeOver, log: createLog(config.log) });
    // The engine's threads are down; what is left (a socket's last timer) must not keep the process.
    process.exit();
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  process.stderr.write(`millrace: ${messageOf(error)}\n`);
  if (error instanceof MillraceError) return error.code === 'MR_CONFIG' ? ExitCode.usage : ExitCode.unavailable;
  return ExitCode.failed;
}

function isCommanderError(error: unknown): error is { readonly exitCode: number } {
  return typeof error === 'object' && error !== null && 'exitCode' in error && 'code' in error;
}
