/** `npm run fuzz -- --requests N --seed S --minutes M`: the fuzz tests, longer than in the ordinary suite. */
import { runLongTests } from '../support/long-tests.mjs';

await runLongTests('fuzz', 'Requests, records and files that nobody would send, and nothing may give way.', {
  requests: { what: 'requests over HTTP, shared out among the kinds', otherwise: 100_000 },
  seed: { what: 'the same seed gives the same requests', otherwise: Date.now() % 1_000_000_007 },
  minutes: { what: 'stop after so many', otherwise: 60 },
});
