import { run } from './run.js';

const seed = Number(process.argv[2] ?? 1);
const count = Number(process.argv[3] ?? 1);
setImmediate(() => {
  const began = performance.now();
  const marks = new Map<string, number>();
  for (let s = seed; s < seed + count; s++) {
    const r = run({ seed: s, keepLines: process.env.LINES === '1' });
    for (const [m, n] of r.marks) marks.set(m, (marks.get(m) ?? 0) + n);
    if (count < 20 || r.complaints.length)
      console.log(
        s,
        r.operations,
        r.digest.slice(0, 12),
        r.complaints.length,
        r.history?.log.length,
        r.history?.answers.length,
      );
    for (const c of r.complaints.slice(0, 3))
      console.log('  ', c.rule, c.step, c.said.slice(0, 1500), '| expected', c.expected.slice(0, 300));
    if (process.env.LINES === '1') console.log(r.lines.join(''));
  }
  console.log(((performance.now() - began) / count).toFixed(1), 'ms per seed');
  console.log(
    [...marks]
      .sort()
      .map(([m, n]) => `${m}: ${n}`)
      .join('\n'),
  );
});
