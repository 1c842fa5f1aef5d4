/** docs/errors.md is made from the table in code. `npx vitest run test/docs -u` writes it anew. */
import { expect, test } from 'vitest';
import { ERRORS } from '../../src/ledger/errors.js';

const HEADER = `# Problems

Every refusal is \`application/problem+json\` (RFC 9457) with these members beside the standard ones: \`code\` (stable),
\`retryable\`, \`outcome\` (\`none\`: this request did nothing; \`unknown\`: send it again with the same key), \`final\`
(true: the outcome of its idempotency key for good), \`param\` (a JSON pointer into the body) and \`request_id\`.

\`none\` speaks of this request alone. After an \`unknown\`, or no answer at all, only a 2xx or \`final: true\` under the same
key settles what happened.

The table is in order: where several problems apply to a request, the one that stands first is answered. It is also
served at \`GET /v1/errors\`.

| code | status | retry | remembered | what it means | what to do |
| --- | --- | --- | --- | --- | --- |
`;

test('the page of problems says what the table in code says', async () => {
  const rows = ERRORS.map(({ code, status, retryable, remembered, outcome, title, action }) => {
    const retry = retryable ? (outcome === 'unknown' ? 'same key' : 'yes') : 'no';
    return `| \`${code}\` | ${status} | ${retry} | ${remembered ? 'yes' : 'no'} | ${title} | ${action} |`;
  });
  await expect(`${HEADER}${rows.join('\n')}\n`).toMatchFileSnapshot('../../docs/errors.md');
});
