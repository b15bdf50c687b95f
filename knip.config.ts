// Lists the files that are started as programs, not imported. Code that no program and no test uses is dead; with `--production`, which
// ignores the tests, knip also reports code that only a test uses.

import type { KnipConfig } from 'knip';

/** Rewrites imports that knip does not follow: of compiled modules (to their sources), and by `createRequire`. */
const asImports = (text: string): string =>
  text
    .replaceAll(/'((?:\.\.\/)+)dist\/([\w/-]+)\.js'/g, "'$1$2.ts'")
    .replaceAll(/createRequire\(import\.meta\.url\)(?:\.resolve)?\(/g, 'require(');

const config: KnipConfig = {
  compilers: { mjs: asImports, ts: asImports },
  entry: [
    // Started by the commands of package.json, the daemon, the lab and the units.
    'appliance/{cli,daemon,led,time,tap,update}/main.ts!',
    'appliance/cli/listen/listen-process.ts!',
    'appliance/jobs/{parsing,past}-main.ts!',
    'appliance/lab/{marker,machines/forward,machines/internet,processes/reap}.ts!',
    'appliance/led/watchdog.ts!',
    'web/public/*.js!',
    // Only used in a checkout: they prepare the machine, build, package and sign.
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
    // Data packages that are read as files (appliance/registries/registrations.ts).
    '@ip-location-db/asn',
    '@ip-location-db/asn-country',
  ],
  exclude: ['binaries'],
  ignoreExportsUsedInFile: process.argv.includes('--production'),
};

export default config;
