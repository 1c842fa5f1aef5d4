#!/usr/bin/env node
/**
 * The `millrace` command: what it takes, with examples. What each part does is in the file of its name, which is loaded when
 * it is asked for: all of them together take longer to load than an engine takes to start.
 */
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import type { Config } from '../platform/config/config.js';
import { MillraceError, messageOf } from '../platform/errors.js';
import type { Log } from '../platform/log.js';
import { VERSION } from '../platform/version.js';
import { addEvidenceCommands } from './evidence/commands.js';
import { engineUrl, wholeWithin } from './option-values.js';
import { endWithReaders, outliveReaders } from './readers.js';
import { ExitCode } from './serve/exit-codes.js';
import { ENGINE_MARK, superviseEngine } from './serve/parent.js';

const EXIT_CODES = `
Exit codes:
  0  done
  1  not so: what was verified is a lie, an import had rejects, a key is unknown
  2  a mistake in the command line or the configuration
  3  something that is needed is missing or taken: port, folder, database, engine
  141  whoever read its output went away`;

interface BackupOptions {
  readonly to?: string;
  readonly keep?: number;
  readonly withoutControl: boolean;
}
interface WithConfig {
  readonly config?: string;
}

const configOption = () =>
  new Option('--config <file>', 'configuration file (YAML); default ./millrace.yaml where there is one').env(
    'MILLRACE_CONFIG',
  );
const urlOption = () =>
  new Option('--url <url>', 'of a running engine')
    .env('MILLRACE_URL')
    .argParser(engineUrl)
    .default('http://127.0.0.1:8080');

async function configOf({ config }: WithConfig): Promise<Config> {
  const { loadConfig } = await import('../platform/config/config.js');
  return loadConfig({ file: config, env: process.env, cwd: process.cwd() });
}

/** Commands other than `serve` speak of problems only; results go to standard output. */
async function argumentsOf(options: WithConfig): Promise<[Config, NodeJS.Process, Log]> {
  const config = await configOf(options);
  const { createLog } = await import('../platform/log.js');
  return [config, process, createLog({ ...config.log, level: 'warn' })];
}

/** In the process that the parent has started: a mistake in the configuration ends both. */
async function runHere(options: WithConfig & { readonly takeOver: boolean }): Promise<number> {
  const config = await configOf(options);
  const { createLog } = await import('../platform/log.js');
  const { runEngine } = await import('./serve/engine.js');
  return runEngine({ config, takeOver: options.takeOver, log: createLog(config.log) });
}

const program = new Command('millrace')
  .description('A transaction engine: a durable, double-entry ledger that answers HTTP.')
  .version(VERSION)
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
  millrace serve --print-config                    what would be in force

SIGTERM finishes what is in flight, commits and ends with 0; a second one ends at once, and loses nothing answered.
${EXIT_CODES}`,
  )
  .action(async (options: WithConfig & { readonly takeOver: boolean; readonly printConfig: boolean }) => {
    if (options.printConfig) {
      const { printConfig } = await import('../platform/config/config.js');
      process.stdout.write(printConfig(await configOf(options)));
      return;
    }
    outliveReaders();
    process.exitCode =
      process.env[ENGINE_MARK] === undefined
        ? await superviseEngine(fileURLToPath(import.meta.url), process.argv.slice(2))
        : await runHere(options);
    // The engine's threads are down; what is left (a socket's last timer) must not keep the process.
    process.exit();
  });

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
      const { importCommand } = await import('./import.js');
      process.exitCode = await importCommand({ file, ...options }, process);
    },
  );

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
    const { verifyCommand } = await import('./verify.js');
    process.exitCode = await verifyCommand(...(await argumentsOf(options)));
  });

program
  .command('backup')
  .description('copy the embedded databases and the data folder, with the engine running or stopped')
  .option('--to <folder>', 'where to; default: backup.archive of the configuration')
  .option(
    '--keep <number>',
    'remove older backups of this ledger, and the archived log that only they needed',
    wholeWithin(1, 1_000_000),
  )
  .option('--without-control', 'leave out the control log, which is in a database of its own (control.url)', false)
  .addOption(configOption())
  .addHelpText(
    'after',
    `
Examples:
  MILLRACE_BACKUP__ARCHIVE=/mnt/archive millrace serve     archives all that is written from now on
  MILLRACE_BACKUP__ARCHIVE=/mnt/archive millrace backup    from here on, any second can be gone back to
  millrace backup --keep 7                                 by the day, for a week
  millrace backup --to /mnt/copies                         one copy, of now
${EXIT_CODES}`,
  )
  .action(async ({ to, keep, withoutControl, ...options }: WithConfig & BackupOptions) => {
    const { backupCommand } = await import('./backup.js');
    process.exitCode = await backupCommand(
      { to: to ?? null, keep: keep ?? null, withoutControl },
      ...(await argumentsOf(options)),
    );
  });

program
  .command('restore')
  .description('make a new data folder from a backup, as of a chosen time; data_dir must be empty')
  .argument('[folder]', 'an archive, or one backup; default: backup.archive of the configuration')
  .option('--to <time>', 'RFC 3339; what was committed up to then is there; default: as late as can be')
  .option('--list', 'print the backups and the times that each can be restored to', false)
  .addOption(configOption())
  .addHelpText(
    'after',
    `
Examples:
  millrace restore /mnt/archive --list
  millrace restore /mnt/archive --to 2030-01-31T16:20:00Z && millrace verify && millrace serve
  MILLRACE_DATA_DIR=/srv/drill millrace restore /mnt/archive     beside the engine that runs
${EXIT_CODES}`,
  )
  .action(
    async (
      from: string | undefined,
      { to, list, ...options }: WithConfig & { readonly to?: string; readonly list: boolean },
    ) => {
      const { restoreCommand } = await import('./restore.js');
      process.exitCode = await restoreCommand(
        { from: from ?? null, to: to ?? null, list },
        ...(await argumentsOf(options)),
      );
    },
  );

addEvidenceCommands(program, { configOption, argumentsOf, exitCodes: EXIT_CODES });
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
    const { detachCommand } = await import('./detach.js');
    process.exitCode = await detachCommand({ before, to }, ...(await argumentsOf(options)));
  });

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
    const { attachCommand } = await import('./attach.js');
    process.exitCode = await attachCommand({ since, from: from ?? null }, ...(await argumentsOf(options)));
  });

const keys = program
  .command('keys')
  .description('make, list and revoke API keys; a running engine acts at once')
  .addHelpText(
    'after',
    `
Examples:
  millrace keys create --merchant acme --test
  millrace keys create --merchant acme --scope force
  millrace keys list
  millrace keys revoke 3k9vqz0m2h7x
${EXIT_CODES}`,
  );
keys
  .command('create')
  .description('make a key, and with its first one the merchant; it is shown once')
  .requiredOption('--merchant <id>', 'whose it is')
  .option('--test', 'for the test environment; without it, for live', false)
  .addOption(new Option('--scope <scope>', 'what it may do beside the usual').choices(['force']))
  .addOption(configOption())
  .addHelpText('after', `\nExample:\n  millrace keys create --merchant acme --test\n${EXIT_CODES}`)
  .action(
    async (options: WithConfig & { readonly merchant: string; readonly test: boolean; readonly scope?: 'force' }) => {
      const { merchant, test, scope } = options;
      const request = {
        action: 'create',
        merchant,
        environment: test ? 'test' : 'live',
        scopes: scope === undefined ? [] : [scope],
      } as const;
      const { keysCommand } = await import('./keys.js');
      process.exitCode = await keysCommand(request, ...(await argumentsOf(options)));
    },
  );
keys
  .command('list')
  .description('list all keys; the keys themselves are not stored')
  .addOption(configOption())
  .addHelpText('after', `\nExample:\n  millrace keys list\n${EXIT_CODES}`)
  .action(async (options: WithConfig) => {
    const { keysCommand } = await import('./keys.js');
    process.exitCode = await keysCommand({ action: 'list' }, ...(await argumentsOf(options)));
  });
keys
  .command('revoke')
  .description('revoke a key by its id, the part after mr_test_ or mr_live_')
  .argument('<id>')
  .addOption(configOption())
  .addHelpText('after', `\nExample:\n  millrace keys revoke 3k9vqz0m2h7x\n${EXIT_CODES}`)
  .action(async (id: string, options: WithConfig) => {
    const { keysCommand } = await import('./keys.js');
    process.exitCode = await keysCommand({ action: 'revoke', id }, ...(await argumentsOf(options)));
  });

program
  .command('shards')
  .description('the map of slots; size, position, lag, epoch, owner and rate of each shard')
  .addOption(configOption())
  .addHelpText('after', `\nExample:\n  millrace shards\n${EXIT_CODES}`)
  .action(async (options: WithConfig) => {
    const { shardsCommand } = await import('./shards.js');
    process.exitCode = await shardsCommand(...(await argumentsOf(options)));
  });

program
  .command('bench')
  .description('load a running engine; it posts real transactions, so use a test key')
  .addOption(urlOption())
  .addOption(
    new Option('--key <keys...>', 'API keys, one for each merchant to load').env('MILLRACE_KEY').makeOptionMandatory(),
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
      const { benchCommand } = await import('./bench/bench.js');
      process.exitCode = await benchCommand({ keys: key, ...durationS, ...options }, process);
    },
  );

endWithReaders();
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (isCommanderError(error)) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  process.stderr.write(`millrace: ${messageOf(error)}\n`);
  // 1 is a command's own verdict, such as a lie found: what could not be asked is no verdict.
  return error instanceof MillraceError && error.code === 'MR_CONFIG' ? ExitCode.usage : ExitCode.unavailable;
}

function isCommanderError(error: unknown): error is { readonly exitCode: number } {
  return typeof error === 'object' && error !== null && 'exitCode' in error && 'code' in error;
}
