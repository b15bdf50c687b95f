// Enforces the import table of ARCHITECTURE.md. Type imports count, too: they are dependencies as well.

/** Every import of `from` (own files, Node's modules and packages) must match one of `may`. */
const only = (name, from, may, comment) => ({
  name,
  comment,
  severity: 'error',
  from: typeof from === 'string' ? { path: from } : from,
  to: { pathNot: may },
});

/** Patterns for packages, which resolve to their own files or to their types. */
const packages = (...names) => names.map((name) => `^node_modules/(@types/)?${name}/`);

/** Addresses, protocol numbers and WireGuard's packet formats. */
const names = '^src/wire/(ip/(address|ip|icmp)|link/ethernet|vpn/wireguard)\\.ts$';

/** Commands that read policies or captures without the daemon. The rest of the command line may import only src/api. */
const READS_POLICIES = '^appliance/cli/commands/(doctor|policy|setup|tunnels)\\.ts$';
const READS_CAPTURES =
  '^appliance/cli/(analyze-text|given-policy|commands/(analyze|watch)|listen/(listen|listen-process|watch-interface))\\.ts$';

/** What src/api may import. */
const contract = [
  ...[
    '^src/api/',
    '^src/flow/(kinds|reading/frame-reading)\\.ts$',
    '^src/policy/(policy|verdict|fault)\\.ts$',
  ],
  ...packages('zod'),
];

module.exports = {
  forbidden: [
    only('wire', '^src/wire/', ['^src/wire/'], 'src/wire imports only itself.'),
    only(
      'flow',
      { path: '^src/flow/', pathNot: '^src/flow/reading/dns-whole\\.ts$' },
      ['^src/(flow|wire)/'],
      'src/flow imports src/wire.',
    ),
    only(
      'flow-dns-whole',
      '^src/flow/reading/dns-whole\\.ts$',
      ['^src/flow/reading/frame-reading\\.ts$', ...packages('dns-packet')],
      'The second decoder of DNS messages is independent of our own.',
    ),
    only(
      'policy',
      { path: '^src/policy/', pathNot: '^src/policy/schema/' },
      ['^src/policy/', '^src/flow/(parsed-packet|kinds)\\.ts$', names],
      "src/policy imports src/flow's parsed packets and kinds and src/wire's addresses and numbers.",
    ),
    only(
      'policy-schema',
      '^src/policy/schema/',
      ['^src/policy/', '^src/flow/(parsed-packet|kinds)\\.ts$', names, ...packages('zod', 'yaml')],
      'Only src/policy/schema/ uses the schema library and the YAML parser.',
    ),
    only(
      'api',
      { path: '^src/api/', pathNot: '^src/api/(client|events)\\.ts$' },
      contract,
      'src/api imports the vocabularies of src/flow and src/policy, and the schema library.',
    ),
    only(
      'api-client',
      '^src/api/(client|events)\\.ts$',
      [...contract, '^(node:)?http$', ...packages('eventsource-parser')],
      'Only the client of the local API uses HTTP and parses its events.',
    ),
    only(
      'guard',
      { path: '^src/guard/', pathNot: '^src/guard/canary/canary-frames\\.ts$' },
      ['^src/(api|guard|flow|policy)/', names],
      "src/guard imports src/api's types and words, src/flow, src/policy and src/wire's addresses and numbers.",
    ),
    {
      name: 'guard-no-schemas',
      comment:
        'The guard uses the types of the API and checks no schemas: taps load the guard and must not load the schema library.',
      severity: 'error',
      from: { path: '^src/guard/' },
      to: { path: '^src/api/', pathNot: '^src/api/(words|shown)\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    only(
      'analysis',
      '^src/analysis/',
      ['^src/(analysis|guard|flow|policy|wire)/', '^src/api/(words|shown|status)\\.ts$'],
      'The analysis of captures uses the judging and reporting of the box; nothing on the box imports it.',
    ),
    only(
      'guard-canary',
      '^src/guard/canary/canary-frames\\.ts$',
      packages('dns-packet'),
      'Forged leaks are built independently of the code that later judges them.',
    ),
    {
      name: 'appliance',
      comment:
        'appliance imports src, Node and native modules, but not the page, its libraries or the tests.',
      severity: 'error',
      from: { path: '^appliance/' },
      to: { path: ['^(web|test)/', ...packages('koa', '@koa', 'ejs', 'zod', 'yaml')] },
    },
    {
      name: 'lab',
      comment: 'The lab uses the product; of the product, only the lab command may import the lab.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/(lab/|cli/(lab-texts|commands/lab[^/]*)\\.ts$)' },
      to: { path: '^appliance/lab/' },
    },
    {
      name: 'cli',
      comment: 'Only the command line imports the command line.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/cli/' },
      to: { path: '^appliance/cli/' },
    },
    {
      name: 'daemon',
      comment: 'Other programs import what is beside the daemon, but nothing of the daemon.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/daemon/' },
      to: { path: '^appliance/daemon/' },
    },
    only(
      'web',
      '^web/',
      [
        ...['^web/', '^src/api/', '^src/guard/incidents/rule-texts\\.ts$', '^(node:)?[a-z_/]+$'],
        // The daemon and the page write small files durably with the same code.
        '^appliance/os/durable-file\\.ts$',
        ...packages('koa', '@koa', 'ejs'),
      ],
      'web imports the local API, the texts about rules, koa, ejs and the durable file, but not policy or history.',
    ),
    {
      name: 'cli',
      comment: 'A command is a client of the local API.',
      severity: 'error',
      from: { path: '^appliance/cli/', pathNot: [READS_POLICIES, READS_CAPTURES] },
      to: { path: '^src/', pathNot: '^src/api/' },
    },
    {
      name: 'cli-policy',
      comment: 'These commands read, compile or compare policies without the daemon.',
      severity: 'error',
      from: { path: READS_POLICIES },
      to: { path: '^src/', pathNot: '^src/(api|policy)/' },
    },
    {
      name: 'product-never-test',
      comment: 'Shipped code does not import tests.',
      severity: 'error',
      from: { path: '^(src|appliance|web)/' },
      to: { path: '^test/' },
    },
    {
      name: 'no-circular',
      comment: 'Two files that import each other should be one file, or three.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'A file that nothing imports and that imports nothing is dead code.',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^web/public/'] },
      to: {},
    },
    {
      name: 'resolvable',
      comment: 'Every import must resolve.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      comment:
        'A box has no development dependencies; only appliance/provision, which runs in a checkout, may import them.',
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
