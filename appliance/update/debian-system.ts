// UpdateSystem for Debian: installs packages with dpkg(1) and controls the daemon with systemctl(1).

import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { ApiClient, undefinedForApiFault } from '../../src/api/client.ts';
import { compileClosedRuleset } from '../../src/policy/compile/nft.ts';
import { monotonicMs } from '../os/clock.ts';
import { writeDurable } from '../os/durable-file.ts';
import { applyRuleset } from '../bridge/nftables.ts';
import { RunError, run } from '../os/run-command.ts';
import type { UpdateSystem } from './installer.ts';

const DAEMON = 'leakguardd.service';
/** Time for unpacking and configuring a package, enough for a slow box. */
const INSTALL_TIMEOUT_MS = 600_000;
/** A daemon that is ready must see both ports within this time, in which a slow machine loads two taps; otherwise the update has failed. */
const SEES_TIMEOUT_MS = 300_000;
const POLL_MS = 1_000;
/** After this time a request to the daemon is repeated. */
const ANSWER_TIMEOUT_MS = 30_000;

/** The machine that this program runs on. Commands that fail or time out make its methods reject with RunError. */
export class DebianSystem implements UpdateSystem {
  readonly architecture: string;
  readonly #api: ApiClient;
  readonly #workspace: string;

  private constructor(architecture: string, api: string, workspace: string) {
    this.architecture = architecture;
    this.#api = new ApiClient({ socketPath: api, patience: () => ANSWER_TIMEOUT_MS });
    this.#workspace = workspace;
  }

  /** `api` is the path of the daemon's socket; `workspace` a directory that only root can enter, for the file that dpkg reads. */
  static async here(api: string, workspace: string): Promise<DebianSystem> {
    return new DebianSystem((await run('dpkg', ['--print-architecture'])).trim(), api, workspace);
  }

  /** By dpkg-query(1). */
  async installedVersion(): Promise<string> {
    return (await run('dpkg-query', ['--show', '--showformat=${Version}', 'leakguard'])).trim();
  }

  /** By dpkg(1), --compare-versions (Debian Policy, 5.6.12). */
  async isNewer(version: string, than: string): Promise<boolean> {
    try {
      await run('dpkg', ['--compare-versions', version, 'gt', than]);
      return true;
    } catch (error) {
      if (error instanceof RunError && error.code === 'failed') return false;
      throw error;
    }
  }

  /** Stops the daemon and loads the closed ruleset. */
  async closeWire(): Promise<void> {
    // A running daemon would replace the ruleset within a second. systemd ends every process that the daemon started, so that no
    // process of the old version can write, kill or answer from here on.
    await run('systemctl', ['stop', DAEMON], '', INSTALL_TIMEOUT_MS);
    await applyRuleset(compileClosedRuleset());
  }

  /** By dpkg(1), also over a newer version; configuration files that the owner has changed stay. */
  async install(content: Uint8Array): Promise<void> {
    const path = join(this.#workspace, 'install.deb');
    writeDurable(path, content);
    try {
      await run('dpkg', ['--install', '--force-confold', '--force-downgrade', path], '', INSTALL_TIMEOUT_MS);
    } finally {
      rmSync(path, { force: true });
    }
  }

  /** Resolves once the daemon of this version sees both ports; rejects with RunError, or Error when it does not within SEES_TIMEOUT_MS. */
  async restart(version: string): Promise<void> {
    await run('systemctl', ['daemon-reload'], '', INSTALL_TIMEOUT_MS);
    // Returns when the daemon has reported that it is ready (Type=notify), or has failed to start.
    await run('systemctl', ['restart', DAEMON], '', INSTALL_TIMEOUT_MS);
    const end = monotonicMs() + SEES_TIMEOUT_MS;
    while (!(await this.#sees(version))) {
      if (monotonicMs() > end) throw new Error('the daemon is ready but does not see the wire');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * Whether the daemon of this version sees the wire. Its answer can be trusted: only the daemon can create the socket in its runtime
   * directory, the old daemon has ended (closeWire), and the answer names the daemon's version.
   */
  async #sees(version: string): Promise<boolean> {
    const update = await this.#api.ask('update').catch(undefinedForApiFault);
    if (update?.running !== version) return false;
    const status = await this.#api.ask('status').catch(undefinedForApiFault);
    return status !== undefined && status.state !== 'blind' && status.state !== 'starting';
  }
}
