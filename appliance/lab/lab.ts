// Builds a lab and takes it down. The process that calls `Lab.raise` owns the lab; a reaper process waits until the owner ends, for
// whatever reason, and cleans up.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { startDaemon, startPage, type Supervised } from './machines/box.ts';
import { LabError } from './error.ts';
import {
  type Filling,
  isHeld,
  LabHandle,
  type LabState,
  readState,
  requireIdentity,
  writeState,
} from './processes/handle.ts';
import { awaitIpv6, startDhcpClient } from './machines/laptop.ts';
import { bridgePlainly, buildNetwork, plugLaptop } from './machines/network.ts';
import { claimPrefix, NETNS_CONFIG_DIR, type Plan, TUNNEL } from './plan.ts';
import { isAlive, type ProcessIdentity } from './processes/process-identity.ts';
import { programArgv } from './processes/program.ts';
import { namespacesOf, processesOf, teardown } from './teardown.ts';
import { startUplink } from './machines/uplink.ts';
import { type KeyPair, newKeyPair, startClient } from './machines/wireguard.ts';

/** What is built, and who hears of it. */
export interface LabOptions {
  readonly filling: Filling;
  /** Also starts leakguard-web in the box; only with filling `guard`. */
  readonly page?: boolean;
  /** Called with one short line for each step of the building. */
  readonly say?: (line: string) => void;
  /** When it is aborted during the building, the lab is taken down again and LabError `interrupted` is thrown. */
  readonly signal?: AbortSignal;
}

/** A lab that this process owns and must take down with `close`. */
export class Lab extends LabHandle {
  #state: LabState;
  /** Writes of the state file are chained, so that the newest state is written last. */
  #writes: Promise<void> = Promise.resolve();
  #daemon: Supervised | undefined;
  #page: Supervised | undefined;
  #keys: { readonly server: string; readonly laptop: KeyPair } | undefined;
  readonly #reaper: ChildProcess;
  readonly #reaped: Promise<number | null>;

  private constructor(plan: Plan, state: LabState, reaper: ChildProcess) {
    super(plan);
    this.#state = state;
    this.#reaper = reaper;
    this.#reaped = new Promise((resolve) => reaper.once('exit', resolve));
  }

  /**
   * Builds the lab and resolves when it is ready; on failure removes everything again and rejects with LabError (`is-up` when another
   * process owns this lab, `not-root`, `interrupted`, `command-missing`, …).
   */
  static async raise(plan: Plan, options: LabOptions): Promise<Lab> {
    const [node, ...reap] = programArgv('lab/processes/reap', plan.id);
    const state = { owner: await requireIdentity(process.pid), filling: options.filling, ready: false };
    await claim(plan, state);
    const lab = new Lab(plan, state, startReaper(node, reap));
    const built = lab.#build(options);
    try {
      await Promise.race([built, interruption(options.signal)]);
      return lab;
    } catch (error) {
      await lab.close();
      // The building now fails because the namespaces are gone; wait, so that nothing of it outlives this call.
      await built.catch(() => undefined);
      throw error;
    }
  }

  /**
   * Ends every process of the lab and removes everything. May be called more than once. Rejects with LabError `not-down` when a process
   * cannot be ended.
   */
  async close(): Promise<void> {
    // No process may start while the reaper ends the others.
    for (const space of Object.values(this.network)) space.close();
    // The supervisors must not restart what the reaper ends. The reaper starts when its input ends.
    this.#daemon?.abandon();
    this.#page?.abandon();
    this.#reaper.stdin?.end();
    const code = await this.#reaped;
    if (code !== 0) await teardown(this.plan);
  }

  async #build(options: LabOptions): Promise<void> {
    const { plan, network } = this;
    const say = options.say ?? (() => undefined);
    say('three namespaces, joined by two veth pairs');
    await buildNetwork(network);
    await this.#resolverInside();

    say('uplink: router, DHCP, resolver, web server, WireGuard server');
    const [own, laptop] = await Promise.all([newKeyPair(), newKeyPair()]);
    const uplink = startUplink(plan, network.uplink, { own, laptop: laptop.public });
    say(`box: ${options.filling === 'guard' ? 'leakguardd' : options.filling}`);
    await Promise.all([uplink, this.#fill(options)]);
    this.#keys = { server: own.public, laptop };
    await this.#note({ serverKey: own.public });
    if (options.filling === 'nothing') {
      await plugLaptop(network);
      return;
    }
    say('laptop: DHCP lease, IPv6 address, full tunnel');
    await this.connectLaptop();
  }

  /**
   * Connects the laptop to the network and brings up its tunnel; resolves when a ping through it was answered. With filling `nothing` the
   * caller calls it after bridging the box. Rejects with LabError.
   */
  async connectLaptop(): Promise<void> {
    const { plan, network } = this;
    if (this.#keys === undefined) throw new LabError('not-ready', 'the uplink has no tunnel server yet.');
    // After the box is up, as a user would do it: the box then sees the duplicate address detection of all the laptop's IPv6 addresses.
    await plugLaptop(network);
    const [client] = await Promise.all([startDhcpClient(plan, network.laptop), awaitIpv6(network.laptop)]);
    await this.#note({ dhcpClient: await requireIdentity(client.pid) });
    const { laptop, server } = this.#keys;
    await startClient(network.laptop, plan.dir, plan.wireguard.laptop, laptop, server);
    await network.laptop.must(['ping', '-c', '1', '-w', '10', TUNNEL.server4]);
    await this.#note({ ready: true });
  }

  async #fill({ filling, page }: LabOptions): Promise<void> {
    const { plan, network } = this;
    if (filling === 'plain-bridge') await bridgePlainly(network.box);
    if (filling !== 'guard') return;
    this.#daemon = await startDaemon(plan, network.box, this.guard, async (pid) =>
      this.#note({ daemon: await requireIdentity(pid) }),
    );
    if (page === true) this.#page = await startPage(plan, network.box);
  }

  /** Makes programs on the laptop use the resolver inside the tunnel. */
  async #resolverInside(): Promise<void> {
    const dir = join(NETNS_CONFIG_DIR, this.plan.namespaces.laptop);
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'resolv.conf'), `nameserver ${TUNNEL.server4}\n`);
  }

  /** Adds to the state file, from which other processes read about this lab. */
  async #note(changes: Partial<LabState>): Promise<void> {
    this.#state = { ...this.#state, ...changes };
    const state = this.#state;
    const written = this.#writes.then(() => writeState(this.plan, state));
    this.#writes = written.catch(() => undefined);
    await written;
  }

  /** Publishes the page's URL in the state file. Rejects with file system errors. */
  async announcePage(address: string): Promise<void> {
    await this.#note({ page: address });
  }
}

/** Makes this process the owner of the lab, after removing what a dead owner has left. Throws LabError `not-root` or `is-up`. */
async function claim(plan: Plan, state: LabState): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new LabError('not-root', 'creating network namespaces and virtual links needs root.');
  if (await isHeld(plan)) throw new LabError('is-up', `the lab "${plan.id}" is already running.`);
  await teardown(plan);
  // The directory is renamed into place with the owner's identity in it: any process that finds it can tell whether the owner is alive.
  const fresh = `${claimPrefix(plan)}${process.pid}`;
  await mkdir(fresh, { recursive: true });
  await writeState(
    { ...plan, files: { ...plan.files, state: join(fresh, basename(plan.files.state)) } },
    state,
  );
  await rename(fresh, plan.dir).catch(async (cause: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    throw new LabError('is-up', `another process has just begun to build the lab "${plan.id}".`, cause);
  });
}

function startReaper(node: string, args: readonly string[]): ChildProcess {
  return spawn(node, args, { stdio: ['pipe', 'ignore', 'inherit'], detached: true, env: {} });
}

/** Never resolves; rejects when `signal` is aborted. */
function interruption(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const interrupt = (): void =>
      reject(new LabError('interrupted', 'interrupted while the lab was being built.'));
    if (signal?.aborted === true) interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
  });
}

/** Time for an owner to take down its lab itself. */
const OWNER_GRACE_MS = 15_000;

/**
 * Ends the lab of this plan, whichever process owns it (SIGTERM, after 15 s SIGKILL); returns whether there was anything to end. Rejects
 * with LabError `not-down` when a process survives.
 */
export async function takeDown(plan: Plan): Promise<boolean> {
  const state = await readState(plan);
  const left = [...(await namespacesOf(plan)), ...(await processesOf(plan))];
  if (state !== undefined && state.owner.pid !== process.pid) await endOwner(state.owner);
  await teardown(plan);
  return state !== undefined || left.length > 0;
}

/** SIGTERM, then SIGKILL: the owner must not go on building while its lab is taken down. */
async function endOwner(owner: ProcessIdentity): Promise<void> {
  const end = Date.now() + OWNER_GRACE_MS;
  if (await isAlive(owner)) process.kill(owner.pid, 'SIGTERM');
  while (await isAlive(owner)) {
    if (Date.now() > end) process.kill(owner.pid, 'SIGKILL');
    await pause(20);
  }
}
