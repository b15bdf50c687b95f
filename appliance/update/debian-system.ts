// Knows: how a Debian box installs a package, closes its wire and starts its daemon. Must not know: when, and what is trusted.
// dpkg(1), systemctl(1). The ruleset of the boot that closes is the package's own.

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { ApiClient, unlessFault } from '../../src/api/client.ts';
import { compileClosedRuleset } from '../../src/policy/compile/nft.ts';
import { monotonicMs } from '../os/clock.ts';
import { writeDurable } from '../os/durable-file.ts';
import { applyRuleset } from '../bridge/nftables.ts';
import { RunError, run } from '../os/run-command.ts';
import type { UpdateSystem } from './installer.ts';

const DAEMON = 'leakguardd.service';
/** A box of the slow kind unpacks and configures within this. */
const INSTALL_MS = 600_000;
/** A daemon that is ready sees both ports within this, or it is not one that works: a slow machine loads two taps meanwhile. */
const SEES_MS = 300_000;
const LOOK_AGAIN_MS = 1_000;
/** A daemon that has not answered by then is asked again. */
const ANSWER_MS = 30_000;

export class DebianSystem implements UpdateSystem {
  readonly architecture: string;
  readonly #api: ApiClient;
  readonly #workspace: string;

  private constructor(architecture: string, api: string, workspace: string) {
    this.architecture = architecture;
    this.#api = new ApiClient({ socketPath: api, patience: () => ANSWER_MS });
    this.#workspace = workspace;
  }

  /** `api` is the daemon's socket; `workspace` a folder that root alone can reach, for what dpkg reads. */
  static async here(api: string, workspace: string): Promise<DebianSystem> {
    return new DebianSystem((await run('dpkg', ['--print-architecture'])).trim(), api, workspace);
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
    // A daemon that runs would open it again within a second. systemd ends all that it ever started, so that from here on
    // none of the old version's processes is there to write, to kill or to answer.
    await run('systemctl', ['stop', DAEMON], '', INSTALL_MS);
    await applyRuleset(compileClosedRuleset());
  }

  async install(content: Uint8Array): Promise<void> {
    const path = join(this.#workspace, 'install.deb');
    writeDurable(path, content);
    try {
      await run('dpkg', ['--install', '--force-confold', '--force-downgrade', path], '', INSTALL_MS);
    } finally {
      rmSync(path, { force: true });
    }
  }

  async restart(version: string): Promise<void> {
    await run('systemctl', ['daemon-reload'], '', INSTALL_MS);
    // Returns when the daemon has said that it is ready (Type=notify), or that it will not be.
    await run('systemctl', ['restart', DAEMON], '', INSTALL_MS);
    const end = monotonicMs() + SEES_MS;
    while (!(await this.#sees(version))) {
      if (monotonicMs() > end) throw new Error('the daemon is ready and yet blind');
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    }
  }

  /**
   * The word of whoever holds the socket in the daemon's runtime directory: nobody but root's daemon can put one there, and
   * the old one has ended (closeWire). It names its version, so that none but the one just installed is believed.
   */
  async #sees(version: string): Promise<boolean> {
    const update = await this.#api.ask('update').catch(unlessFault);
    if (update?.running !== version) return false;
    const status = await this.#api.ask('status').catch(unlessFault);
    return status !== undefined && status.state !== 'blind' && status.state !== 'starting';
  }
}
