// Bundles commands into one file each so that they start faster: finding and opening a hundred modules takes longer than judging most
// captures. Run in the root, after the compiler.

import { rolldown } from 'rolldown';

/** Compiled modules that are replaced by a bundle of themselves and their imports. */
const ENTRIES = ['dist/appliance/cli/commands/analyze.js'];

/**
 * Modules that are not bundled: packages, modules that are loaded on demand, and the module of CommandError, which is caught by its class.
 * @param {string} id the import specifier
 */
const isOutside = (id) =>
  !/^[./]/.test(id) || /\/appliance\/history\/|\/(command|policy-file-here)\.js$/.test(id);

for (const input of ENTRIES) {
  const bundle = await rolldown({ input, platform: 'node', external: isOutside, logLevel: 'warn' });
  await bundle.write({
    file: input,
    format: 'esm',
    sourcemap: true,
    minify: { compress: false, mangle: false },
  });
  await bundle.close();
}
