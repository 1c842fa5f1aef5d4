/** `millrace checkpoint` and `millrace receipt`. */
import type { Command } from 'commander';
import { argumentsOf, configOption, EXIT_CODES, type WithConfig } from './shared.js';

export function addEvidence(program: Command): void {
  addCheckpoint(program);
  addReceipt(program);
}

function addCheckpoint(program: Command): void {
  const checkpoint = program
    .command('checkpoint')
    .description('sign where the log of every shard stands, and later prove that history was not rewritten')
    .addHelpText(
      'after',
      `
Examples:
  openssl genpkey -algorithm ed25519 -out signing.pem && openssl pkey -in signing.pem -pubout -out signing.pub
  millrace checkpoint export friday.json --sign signing.pem
  millrace checkpoint verify friday.json --public-key signing.pub
${EXIT_CODES}`,
    );
  checkpoint
    .command('export')
    .description('write the position and digest that every shard has come to, signed')
    .argument('<file>', 'a new file; keep it where the databases are not')
    .requiredOption('--sign <key>', 'Ed25519 private key in PEM')
    .addOption(configOption())
    .addHelpText('after', `\nExample:\n  millrace checkpoint export friday.json --sign signing.pem\n${EXIT_CODES}`)
    .action(async (file: string, options: WithConfig & { readonly sign: string }) => {
      const { exportCheckpoint } = await import('../checkpoint.js');
      process.exitCode = await exportCheckpoint({ file, sign: options.sign }, ...(await argumentsOf(options)));
    });
  checkpoint
    .command('verify')
    .description('compute every log up to its checkpoint and compare; the engine may be running')
    .argument('<file>')
    .requiredOption('--public-key <key>', 'Ed25519 public key in PEM')
    .addOption(configOption())
    .addHelpText(
      'after',
      `\nExample:\n  millrace checkpoint verify friday.json --public-key signing.pub\n${EXIT_CODES}`,
    )
    .action(async (file: string, options: WithConfig & { readonly publicKey: string }) => {
      const { verifyCheckpoint } = await import('../checkpoint.js');
      process.exitCode = await verifyCheckpoint(
        { file, publicKey: options.publicKey },
        ...(await argumentsOf(options)),
      );
    });
}

function addReceipt(program: Command): void {
  const receipt = program
    .command('receipt')
    .description('write proof that a transaction stands in the log, or verify such a proof')
    .argument('<transaction>', 'its id: txn_…')
    .option('--output <file>', 'a new file; without it, standard output')
    .option('--sign <key>', 'Ed25519 private key in PEM: signs the digest and the id')
    .addOption(configOption())
    .addHelpText(
      'after',
      `
Examples:
  millrace receipt txn_24gmz9xw3n7kq5vd0c1hrt8sye --sign signing.pem --output receipt.json
  millrace receipt verify receipt.json --public-key signing.pub

A receipt shows up to 32 rows of the same merchant, and nobody else's.
${EXIT_CODES}`,
    )
    .action(async (transaction: string, options: WithConfig & { readonly output?: string; readonly sign?: string }) => {
      const { output, sign } = options;
      const request = {
        transaction,
        ...(output === undefined ? {} : { output }),
        ...(sign === undefined ? {} : { sign }),
      };
      const { receiptCommand } = await import('../receipt.js');
      process.exitCode = await receiptCommand(request, ...(await argumentsOf(options)));
    });
  receipt
    .command('verify')
    .description('verify a receipt offline')
    .argument('<file>')
    .option('--public-key <key>', 'Ed25519 public key in PEM of whoever signed it')
    .addHelpText('after', `\nExample:\n  millrace receipt verify receipt.json --public-key signing.pub\n${EXIT_CODES}`)
    .action(async (file: string, { publicKey }: { readonly publicKey?: string }) => {
      const { verifyReceipt } = await import('../receipt.js');
      process.exitCode = verifyReceipt({ file, ...(publicKey === undefined ? {} : { publicKey }) }, process);
    });
}
