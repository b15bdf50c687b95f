// Knows: the daemon's command line. Must not know: what is done with it.
// No fixed paths, so that several daemons can run side by side.

import { parseArgs } from 'node:util';

export interface DaemonOptions {
  readonly config: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
  /** Where a wish for another time is left; undefined: this machine's clock is not the box's to set. */
  readonly setClockRequest: string | undefined;
  /** The LED watchdog is started by somebody else (systemd/leakguard-light.service). */
  readonly isLightKept: boolean;
  /** A list of Tor's relays; a file that is not there is none. */
  readonly relays: string | undefined;
  /** Take back what was changed on the machine, and end. */
  readonly release: boolean;
}

export class UsageError extends Error {
  readonly code = 'usage';

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UsageError';
  }
}

export const USAGE =
  'leakguardd [--config FILE] [--state-dir DIR] [--runtime-dir DIR] [--clock-wish FILE] [--kept-light]\n' +
  '           [--relays FILE]\n' +
  'leakguardd --release [--runtime-dir DIR]: take the bridge down, with everything as it was before\n' +
  "Defaults: /etc/leakguard/policy.yaml, /var/lib/leakguard, /run/leakguard. Without --clock-wish, where the owner's wish for\n" +
  'another time is left (leakguard-set-clock.path), nobody sets the clock. With --kept-light somebody else starts the keeper of\n' +
  'the light (leakguard-light.service); without, the daemon does. --relays lists Tor relays, as its consensus does or one address\n' +
  'or address:port a line: a connection to one of them is Tor, whatever it looks like.\n';

/** Throws UsageError for words it does not know. */
export function readOptions(args: readonly string[]): DaemonOptions | 'help' {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        config: { type: 'string', default: '/etc/leakguard/policy.yaml' },
        'state-dir': { type: 'string', default: '/var/lib/leakguard' },
        'runtime-dir': { type: 'string', default: '/run/leakguard' },
        'clock-wish': { type: 'string' },
        'kept-light': { type: 'boolean', default: false },
        relays: { type: 'string' },
        release: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), error);
  }
  if (values.help) return 'help';
  const { config, release } = values;
  const folders = { stateDir: values['state-dir'], runtimeDir: values['runtime-dir'] };
  return {
    config,
    ...folders,
    setClockRequest: values['clock-wish'],
    release,
    isLightKept: values['kept-light'],
    relays: values.relays,
  };
}
