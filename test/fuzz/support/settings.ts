/** How much is fuzzed, and from which seed. `npm run fuzz` sets what the ordinary run leaves at its defaults. */

export interface Settings {
  readonly seed: string;
  /** To each engine. */
  readonly requests: number;
  readonly untilMs: number;
  /** For properties: how many times as many runs as usual. */
  readonly times: number;
}

const REQUESTS = 5_000;

let chosen: Settings | null = null;

export function settings(): Settings {
  const { MILLRACE_TEST_FUZZ_SEED, MILLRACE_TEST_FUZZ_REQUESTS, MILLRACE_TEST_FUZZ_MINUTES } = process.env;
  const requests = Number(MILLRACE_TEST_FUZZ_REQUESTS ?? REQUESTS);
  // The ordinary run too is a new one each time: what it finds, it prints with the seed.
  chosen ??= {
    seed: MILLRACE_TEST_FUZZ_SEED ?? String(Date.now() % 1_000_000_007),
    requests,
    untilMs: Number(MILLRACE_TEST_FUZZ_MINUTES ?? 60) * 60_000,
    times: Math.max(1, Math.floor(requests / REQUESTS)),
  };
  return chosen;
}
