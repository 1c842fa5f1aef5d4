/**
 * The rule of the house: imports point downward only. `docs/architecture.md` says what each layer is for.
 */
const layer = (name, forbidden, comment) => ({
  name: `${name}-points-down`,
  severity: 'error',
  comment,
  from: { path: `^src/${name}/` },
  to: { path: `^src/(${forbidden.join('|')})/` },
});

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    layer(
      'ledger',
      ['platform', 'store', 'engine', 'folds', 'http', 'cli'],
      'The ledger is pure and imports nothing of the house.',
    ),
    {
      name: 'ledger-has-no-dependencies',
      severity: 'error',
      comment: 'No clock, no randomness, no I/O, no package in the ledger.',
      from: { path: '^src/ledger/' },
      to: { pathNot: '^src/ledger/' },
    },
    layer(
      'platform',
      ['ledger', 'store', 'engine', 'folds', 'http', 'cli'],
      'The platform knows nothing of what is built on it.',
    ),
    layer('store', ['engine', 'folds', 'http', 'cli'], 'The store knows the ledger and the platform.'),
    layer('engine', ['folds', 'http', 'cli'], 'The engine knows store, ledger and platform.'),
    layer('folds', ['engine', 'http', 'cli'], 'Folds read the log: store, ledger and platform.'),
    {
      name: 'http-reads-folds-only',
      severity: 'error',
      comment: 'Fronts use the read side of folds and nothing else of them.',
      from: { path: '^src/http/' },
      to: { path: '^src/(cli/|folds/(?!read/))' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
