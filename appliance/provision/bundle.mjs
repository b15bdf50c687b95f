// Knows: which commands are shipped as one file: those whose start is waited for. Must not know: what they do.
// A hundred modules take longer to find and open than most captures to judge. Run in the root, after the compiler.

import { rolldown } from 'rolldown';

/** Built modules that become one file with what they import, in their own place. */
const ENTRIES = ['dist/appliance/cli/commands/analyze.js'];

/**
 * What stays a module of its own: packages, what is loaded only when asked for, and the error that its catcher knows by its class.
 * @param {string} id as it is imported
 */
const isOutside = (id) => !/^[./]/.test(id) || /\/store\/|\/(command|policy-file-here)\.js$/.test(id);

for (const input of ENTRIES) {
  const bundle = await rolldown({ input, platform: 'node', external: isOutside, logLevel: 'warn' });
  await bundle.write({ file: input, format: 'esm', sourcemap: true });
  await bundle.close();
}
