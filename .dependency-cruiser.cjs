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

/** Addresses, the numbers by which protocols are known, and the shape of WireGuard's packets. */
const names = '^src/wire/(ip/(address|ip|icmp)|link/ethernet|vpn/wireguard)\\.ts$';

/** Commands that need no daemon for what they read. Everything else of the command line knows src/api alone. */
const READS_POLICIES = '^appliance/cli/commands/(doctor|policy|setup|tunnels)\\.ts$';
const READS_CAPTURES =
  '^appliance/cli/(analyze-text|given-policy|commands/(analyze|watch)|listen/(listen|listen-process|watch-interface))\\.ts$';

/** What src/api is made of. */
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
    only('wire', '^src/wire/', ['^src/wire/'], 'src/wire knows RFCs: it imports itself and nothing else.'),
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
      'The second reading of a DNS message is made without our own decoder.',
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
      'The schema library and the YAML reader are known in src/policy/schema/ only.',
    ),
    only(
      'api',
      { path: '^src/api/', pathNot: '^src/api/(client|events)\\.ts$' },
      contract,
      'src/api knows words of src/flow and src/policy, and the schema library.',
    ),
    only(
      'api-client',
      '^src/api/(client|events)\\.ts$',
      [...contract, '^(node:)?http$', ...packages('eventsource-parser')],
      'The one client of the local API opens sockets and reads its events.',
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
        'The guard fills in the shapes of the API and checks none: taps load the guard, not the schema library.',
      severity: 'error',
      from: { path: '^src/guard/' },
      to: { path: '^src/api/', pathNot: '^src/api/(words|shown)\\.ts$', dependencyTypesNot: ['type-only'] },
    },
    only(
      'analysis',
      '^src/analysis/',
      ['^src/(analysis|guard|flow|policy|wire)/', '^src/api/(words|shown|status)\\.ts$'],
      'What is found in a capture is judged and told as on the wire; no live part of the box knows of it.',
    ),
    only(
      'guard-canary',
      '^src/guard/canary/canary-frames\\.ts$',
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
    {
      name: 'lab',
      comment:
        'The lab is a guest: it stands on the product, and of the product its own command alone knows it.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/(lab/|cli/(lab-texts|commands/lab[^/]*)\\.ts$)' },
      to: { path: '^appliance/lab/' },
    },
    {
      name: 'cli',
      comment: 'Nothing needs a terminal but the command line.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/cli/' },
      to: { path: '^appliance/cli/' },
    },
    {
      name: 'daemon',
      comment: 'Other programs share what stands beside the daemon, and nothing of it.',
      severity: 'error',
      from: { path: '^appliance/', pathNot: '^appliance/daemon/' },
      to: { path: '^appliance/daemon/' },
    },
    only(
      'web',
      '^web/',
      [
        ...['^web/', '^src/api/', '^src/guard/incidents/rule-texts\\.ts$', '^(node:)?[a-z_/]+$'],
        // How a small file survives a power cut is one thing for daemon and page.
        '^appliance/os/durable-file\\.ts$',
        ...packages('koa', '@koa', 'ejs'),
      ],
      'web knows the local API, the texts about rules, koa and ejs, and how a small file is kept; never policy or store.',
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
      comment: 'These commands read, compile or compare a policy by themselves.',
      severity: 'error',
      from: { path: READS_POLICIES },
      to: { path: '^src/', pathNot: '^src/(api|policy)/' },
    },
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
