/** What commands share: options, and what their actions are given. */
import { Option } from 'commander';
import type { Config } from '../../platform/config/config.js';
import type { Log } from '../../platform/log.js';
import { engineUrl } from '../option-values.js';

export const EXIT_CODES = `
Exit codes:
  0  done
  1  not so: what was verified is a lie, an import had rejects, a key is unknown
  2  a mistake in the command line or the configuration
  3  something that is needed is missing or taken: port, folder, database, engine
  141  whoever read its output went away`;

export interface WithConfig {
  readonly config?: string;
}

export const configOption = () =>
  new Option('--config <file>', 'configuration file (YAML); default ./millrace.yaml where there is one').env(
    'MILLRACE_CONFIG',
  );

export const urlOption = () =>
  new Option('--url <url>', 'of a running engine')
    .env('MILLRACE_URL')
    .argParser(engineUrl)
    .default('http://127.0.0.1:8080');

export async function configOf({ config }: WithConfig): Promise<Config> {
  const { loadConfig } = await import('../../platform/config/config.js');
  return loadConfig({ file: config, env: process.env, cwd: process.cwd() });
}

/** Commands other than `serve` speak of problems only; results go to standard output. */
export async function argumentsOf(options: WithConfig): Promise<[Config, NodeJS.Process, Log]> {
  const config = await configOf(options);
  const { createLog } = await import('../../platform/log.js');
  return [config, process, createLog({ ...config.log, level: 'warn' })];
}
