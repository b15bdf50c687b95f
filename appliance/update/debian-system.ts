// Knows: how a Debian box installs a package, closes its wire and starts its daemon. Must not know: when, and what is trusted.
// dpkg(1), systemctl(1). The ruleset of the boot that closes is the package's own.

import { request } from 'node:http';

import { readStatus, readJson } from '../../src/guard/status.ts';
import { compileClosedRuleset } from '../../src/policy/nft.ts';
import { monotonicMs } from '../clock.ts';
import { applyRuleset } from '../nftables.ts';
import { RunError, run } from '../run-command.ts';
import type { UpdateSystem } from './installer.ts';

const DAEMON = 'leakguardd.service';
/** A box of the slow kind unpacks and configures within this. */
const INSTALL_MS = 600_000;
/** A daemon that is ready sees both ports within this, or it is not one that works: a slow machine loads two taps meanwhile. */
const SEES_MS = 300_000;
const LOOK_AGAIN_MS = 1_000;

export class DebianSystem implements UpdateSystem {
  readonly architecture: string;
  readonly #api: string;

  private constructor(architecture: string, api: string) {
    this.architecture = architecture;
    this.#api = api;
  }

  /** `api` is the daemon's socket. */
  static async here(api: string): Promise<DebianSystem> {
    return new DebianSystem((await run('dpkg', ['--print-architecture'])).trim(), api);
  }

  async installedVersion(): Promise<string> {
    return (await run('dpkg-query', ['--show', '--showformat=${Version}', 'leakguard'])).trim();
  }

  async isNewer(version: string, than: string): Promise<boolean> {
    try {
      await run('dpkg', ['--compare-versions', version, 'gt', than]);
      return true;
    } catch (error) {
      if (error instanceof RunError && error.code === 'failed') return false;
      throw error;
    }
  }

  async closeWire(): Promise<void> {
    // A daemon that runs would open it again within a second.
    await run('systemctl', ['stop', DAEMON], '', INSTALL_MS);
    await applyRuleset(compileClosedRuleset());
  }

  async install(path: string): Promise<void> {
    await run('dpkg', ['--install', '--force-confold', '--force-downgrade', path], '', INSTALL_MS);
  }

  async restart(): Promise<void> {
    await run('systemctl', ['daemon-reload'], '', INSTALL_MS);
    // Returns when the daemon has said that it is ready (Type=notify), or that it will not be.
    await run('systemctl', ['restart', DAEMON], '', INSTALL_MS);
    const end = monotonicMs() + SEES_MS;
    while (!(await this.#sees())) {
      if (monotonicMs() > end) throw new Error('the daemon is ready and yet blind');
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  async #sees(): Promise<boolean> {
    const text = await new Promise<string>((resolve) => {
      const asking = request({ socketPath: this.#api, path: '/v1/status', agent: false }, (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer
          .on('data', (chunk: string) => (body += chunk))
          .on('end', () => {
            resolve(body);
          });
      });
      asking.on('error', () => {
        resolve('');
      });
      asking.end();
    });
    const status = readStatus(readJson(text));
    return status !== undefined && status.state !== 'blind' && status.state !== 'starting';
  }
}
