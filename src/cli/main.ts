#!/usr/bin/env node
/**
 * The `millrace` command. What each command takes, with examples, is in commands/; what it does is in the file of its name beside them,
 * which is loaded when it is asked for: all of them together take longer to load than an engine takes to start.
 */
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { MillraceError, messageOf } from '../platform/errors.js';
import { VERSION } from '../platform/version.js';
import { addBench } from './commands/bench.js';
import { addCopies } from './commands/copies.js';
import { addEvidence } from './commands/evidence.js';
import { addImport } from './commands/import.js';
import { addKeys } from './commands/keys.js';
import { addPartitions } from './commands/partitions.js';
import { addServe } from './commands/serve.js';
import { addShards } from './commands/shards.js';
import { EXIT_CODES } from './commands/shared.js';
import { addVerify } from './commands/verify.js';
import { endWithReaders } from './readers.js';
import { ExitCode } from './serve/exit-codes.js';

const program = new Command('millrace')
  .description('A transaction engine: a durable, double-entry ledger that answers HTTP.')
  .version(VERSION)
  .showHelpAfterError('(add --help for the options and examples)')
  .exitOverride()
  .addHelpText('after', EXIT_CODES);

addServe(program, fileURLToPath(import.meta.url));
addImport(program);
addVerify(program);
addCopies(program);
addEvidence(program);
addPartitions(program);
addKeys(program);
addShards(program);
addBench(program);

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
