// Knows: which files are programs, started by something other than an import. Must not know: what they do.
// What no program and no test reaches is dead; `--production` leaves the tests out, and so says what only a test reaches.

import type { KnipConfig } from 'knip';

/** Imports as knip knows them: of the source where a program imports what is built of it, and of what `createRequire` loads. */
const asImports = (text: string): string =>
  text
    .replaceAll(/'((?:\.\.\/)+)dist\/([\w/-]+)\.js'/g, "'$1$2.ts'")
    .replaceAll(/createRequire\(import\.meta\.url\)(?:\.resolve)?\(/g, 'require(');

const config: KnipConfig = {
  compilers: { mjs: asImports, ts: asImports },
  entry: [
    // The commands of package.json, and what the daemon, the lab and the units start.
    'appliance/{cli,daemon,led,time,tap,update}/main.ts!',
    'appliance/cli/listen/listen-process.ts!',
    'appliance/jobs/{parsing,past}-main.ts!',
    'appliance/lab/{marker,machines/forward,machines/internet,processes/reap}.ts!',
    'appliance/led/watchdog.ts!',
    'web/public/*.js!',
    // A checkout's own: it gets a machine ready, builds, packs and signs.
    'appliance/provision/{run,bundle}.mjs!',
    'image-build/{package,image}/*.mjs!',
    'image-build/sign-update.mjs!',
    'image-build/image/root/usr/lib/leakguard-image/*.mjs!',
    'test/**/*.test.ts',
    'test/**/*.mjs',
    'test/proof/prove-share.ts',
  ],
  project: ['{src,appliance,web,image-build}/**/*.{ts,mjs,js}!', 'test/**/*.{ts,mjs}'],
  ignoreDependencies: [
    // Data, read as a file (appliance/registries/registrations.ts).
    '@ip-location-db/asn',
    '@ip-location-db/asn-country',
  ],
  exclude: ['binaries'],
  ignoreExportsUsedInFile: process.argv.includes('--production'),
};

export default config;
