import { defineConfig } from 'vitest/config';

// Where a machine wants to read the result: a file for the report as JSON.
const report = process.env.MILLRACE_TEST_REPORT;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two files at a time: many of them start servers of their own.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: [
      process.env.CI === undefined ? 'default' : 'dot',
      ...(report === undefined ? [] : [['json', { outputFile: report }] as ['json', { outputFile: string }]]),
    ],
  },
});
