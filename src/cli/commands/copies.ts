/** `millrace backup` and `millrace restore`. */
import type { Command } from 'commander';
import { wholeWithin } from '../option-values.js';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

interface BackupOptions {
  readonly to?: string;
  readonly keep?: number;
  readonly withoutControl: boolean;
}

export function addCopies(program: Command): void {
  addBackup(program);
  addRestore(program);
}

function addBackup(program: Command): void {
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
      const { backupCommand } = await import('../backup.js');
      process.exitCode = await backupCommand(
        { to: to ?? null, keep: keep ?? null, withoutControl },
        ...(await argumentsOf(options)),
      );
    });
}

function addRestore(program: Command): void {
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
        const { restoreCommand } = await import('../restore.js');
        process.exitCode = await restoreCommand(
          { from: from ?? null, to: to ?? null, list },
          ...(await argumentsOf(options)),
        );
      },
    );
}
