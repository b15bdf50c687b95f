// The daemon's command line. Every path is an option, so that several daemons can run side by side.

import { parseArgs } from 'node:util';

/** The daemon's command line, with defaults filled in. Paths are as they were given. */
export interface DaemonOptions {
  /** The policy file. */
  readonly config: string;
  /** Directory for what survives a power cut. */
  readonly stateDir: string;
  /** Directory for sockets and for what survives this process, but no boot. */
  readonly runtimeDir: string;
  /** Where a set-clock request is written; undefined: the box may not set this machine's clock. */
  readonly setClockRequest: string | undefined;
  /** The LED watchdog is started by another process (systemd/leakguard-light.service). */
  readonly isWatchdogStarted: boolean;
  /** File with a list of Tor relays; it need not exist. */
  readonly relays: string | undefined;
  /** Undo what was changed on the machine, and exit. */
  readonly release: boolean;
}

/** The command line cannot be read; the message says which word. */
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
  'leakguardd --release [--runtime-dir DIR]: remove the bridge and restore all settings\n' +
  'Defaults: /etc/leakguard/policy.yaml, /var/lib/leakguard, /run/leakguard. --clock-wish names the file for set-clock requests\n' +
  '(leakguard-set-clock.path); without it the box does not set the clock. With --kept-light another program starts the LED watchdog\n' +
  '(leakguard-light.service); without it the daemon does. --relays names a list of Tor relays, a Tor consensus or one address or\n' +
  'address:port per line: every connection to one of them counts as Tor.\n';

/**
 * Parses the arguments without node and program; `help` when they ask for it. Touches no file. Throws UsageError for an unknown option, one
 * without its value, and any other word.
 */
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
    isWatchdogStarted: values['kept-light'],
    relays: values.relays,
  };
}
