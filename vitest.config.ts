import { configDefaults, defineConfig } from 'vitest/config';

/** Suites that take minutes together: `npm run test:long`. */
export const LONG = [
  'test/backup/**/*.test.ts',
  'test/crash/{fronts,start}.test.ts',
  'test/fuzz/**/*.test.ts',
  'test/restart/**/*.test.ts',
  'test/tamper/{chain,engine,stopped}.test.ts',
];

// Where a machine wants to read the result: a file for the report as JSON.
const report = process.env.MILLRACE_TEST_REPORT;

export const shared = {
  // Many files start servers of their own and wait for them: on two cores three at a time take a sixth less than two.
  maxWorkers: 3,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  reporters: [
    process.env.CI === undefined ? 'default' : 'dot',
    ...(report === undefined ? [] : [['json', { outputFile: report }] as ['json', { outputFile: string }]]),
  ],
};

export default defineConfig({
  test: { ...shared, include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...LONG] },
});
