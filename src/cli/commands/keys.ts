/** `millrace keys`: create, list, revoke. */
import { type Command, Option } from 'commander';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

export function addKeys(program: Command): void {
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
        const { keysCommand } = await import('../keys.js');
        process.exitCode = await keysCommand(request, ...(await argumentsOf(options)));
      },
    );
  keys
    .command('list')
    .description('list all keys; the keys themselves are not stored')
    .addOption(configOption())
    .addHelpText('after', `\nExample:\n  millrace keys list\n${EXIT_CODES}`)
    .action(async (options: WithConfig) => {
      const { keysCommand } = await import('../keys.js');
      process.exitCode = await keysCommand({ action: 'list' }, ...(await argumentsOf(options)));
    });
  keys
    .command('revoke')
    .description('revoke a key by its id, the part after mr_test_ or mr_live_')
    .argument('<id>')
    .addOption(configOption())
    .addHelpText('after', `\nExample:\n  millrace keys revoke 3k9vqz0m2h7x\n${EXIT_CODES}`)
    .action(async (id: string, options: WithConfig) => {
      const { keysCommand } = await import('../keys.js');
      process.exitCode = await keysCommand({ action: 'revoke', id }, ...(await argumentsOf(options)));
    });
}
