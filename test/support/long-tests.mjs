/** Commands that run a folder of the long tests with settings of one's own. */
import { Command, InvalidArgumentError } from 'commander';
import { startVitest } from 'vitest/node';

function count(text) {
  if (!/^[1-9][0-9]*$/.test(text)) throw new InvalidArgumentError('A whole number from 1 is wanted.');
  return text;
}

/**
 * Runs test/NAME with its options in variables of the environment: `--requests 5` is MILLRACE_TEST_NAME_REQUESTS=5.
 * @param {string} name of the script and of the folder
 * @param {string} description
 * @param {Record<string, {what: string, otherwise: number}>} options whole numbers from 1
 */
export async function runLongTests(name, description, options) {
  const command = new Command(`npm run ${name} --`)
    .description(description)
    .helpOption('--help', 'print this')
    .allowExcessArguments(false)
    .showHelpAfterError('(--help says what there is)');
  for (const [option, { what, otherwise }] of Object.entries(options)) {
    command.option(`--${option} <n>`, what, count, String(otherwise));
  }
  const values = command.parse().opts();
  for (const [option, value] of Object.entries(values)) {
    process.env[`MILLRACE_TEST_${name.toUpperCase()}_${option.toUpperCase()}`] = value;
  }
  console.log(
    Object.entries(values)
      .map(([option, value]) => `${option} ${value}`)
      .join(', '),
  );
  const vitest = await startVitest('test', [`test/${name}`], { watch: false, config: 'vitest.long.config.ts' });
  await vitest.close();
}
