// Knows: the import table of ARCHITECTURE.md, as rules that fail. Must not know: anything else about the code.
// Type imports count too: a type that is known is a thing that is known.

/** Whatever is imported by `from` must match one of `may`: our files, Node's own modules and packages alike. */
const only = (name, from, may, comment) => ({
  name,
  comment,
  severity: 'error',
  from: typeof from === 'string' ? { path: from } : from,
  to: { pathNot: may },
});

/** A package however it resolves: to its own files or to its types. */
const packages = (...names) => names.map((name) => `^node_modules/(@types/)?${name}/`);

const addresses = '^src/wire/address(es)?\\.ts$';

module.exports = {
  forbidden: [
    only('wire', '^src/wire/', ['^src/wire/'], 'src/wire knows RFCs: it imports itself and nothing else.'),
    only('flow', '^src/flow/', ['^src/(flow|wire)/'], 'src/flow imports src/wire.'),
    only(
      'policy',
      { path: '^src/policy/', pathNot: '^src/policy/schema[^/]*\\.ts$' },
      ['^src/policy/', '^src/flow/(facts|kinds)\\.ts$', addresses],
      "src/policy imports src/flow's facts and kinds and src/wire's addresses.",
    ),
    only(
      'policy-schema',
      '^src/policy/schema[^/]*\\.ts$',
      ['^src/policy/', '^src/flow/(facts|kinds)\\.ts$', addresses, ...packages('zod', 'yaml')],
      'The schema library and the YAML reader are known in src/policy/schema*.ts only.',
    ),
    only(
      'guard',
      { path: '^src/guard/', pathNot: '^src/guard/canary-frames\\.ts$' },
      ['^src/(guard|flow|policy)/', addresses],
      "src/guard imports src/flow, src/policy and src/wire's addresses.",
    ),
    only(
      'guard-canary',
      '^src/guard/canary-frames\\.ts$',
      packages('dns-packet'),
      'Forged leaks are made without anything that later judges them.',
    ),
    {
      name: 'appliance',
      comment: 'appliance imports src, Node and native modules; never the page, its libraries or the tests.',
      severity: 'error',
      from: { path: '^appliance/' },
      to: { path: ['^(web|test)/', ...packages('koa', '@koa', 'ejs', 'zod', 'yaml')] },
    },
    only(
      'web',
      '^web/',
      [
        '^web/',
        '^src/guard/(status|commands|rule-texts|answers|past-answers|update-status)\\.ts$',
        '^src/flow/kinds\\.ts$',
        '^(node:)?[a-z_/]+$',
        ...packages('koa', '@koa', 'ejs'),
      ],
      "web knows the local API: src/guard's status, commands, answers, update status and rule texts, the kinds, koa and ejs; never appliance, policy or store.",
    ),
    {
      name: 'product-never-test',
      comment: 'What is shipped does not know its tests.',
      severity: 'error',
      from: { path: '^(src|appliance|web)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is dead.',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^web/public/'] },
      to: {},
    },
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'A box installs no development tools; what builds it for one runs in a checkout.',
      severity: 'error',
      from: { path: '^(src|appliance|web)/', pathNot: '^appliance/provision/' },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['npm', 'type-only'],
      },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules'] },
    exclude: { path: ['^dist/', '^coverage/'] },
    tsPreCompilationDeps: true,
    preserveSymlinks: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.cjs', '.js', '.json'],
    },
  },
};
