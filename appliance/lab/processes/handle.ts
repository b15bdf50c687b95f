// Uses a running lab, even one that another process owns. All it needs is the lab's state file and the names in its plan.

import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

import { yieldToEventLoop } from '../../os/event-loop.ts';
import { LabError } from '../error.ts';
import { GuardClient } from '../guard.ts';
import { leaseEvent, leaseEvents } from '../machines/laptop.ts';
import { type Network, networkOf } from '../machines/network.ts';
import { NET, type Plan } from '../plan.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { roam } from '../machines/wireguard.ts';

/** What runs in the box: the guard, a plain bridge, or nothing (the caller bridges). */
export type Filling = 'guard' | 'plain-bridge' | 'nothing';

/**
 * Content of lab.json, written by the owner while the lab starts; `ready` becomes true last. `serverKey`: the tunnel server's public key;
 * `page`: the page's URL; both are absent until they are known.
 */
export interface LabState {
  readonly owner: ProcessIdentity;
  readonly filling: Filling;
  readonly ready: boolean;
  readonly serverKey?: string;
  readonly page?: string;
  readonly daemon?: ProcessIdentity;
  readonly dhcpClient?: ProcessIdentity;
}

/** The state of the lab of this plan; undefined when there is none. Rejects with SyntaxError for a file that another program has damaged. */
export async function readState(plan: Plan): Promise<LabState | undefined> {
  const text = await readFile(plan.files.state, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LabState);
}

/** Replaces the state file atomically. Rejects with file system errors. */
export async function writeState(plan: Plan, state: LabState): Promise<void> {
  const fresh = `${plan.files.state}.new`;
  await writeFile(fresh, `${JSON.stringify(state)}\n`);
  await rename(fresh, plan.files.state);
}

/** Whether a living process owns a lab of this plan, running or still being built. Rejects as `readState` does. */
export async function isHeld(plan: Plan): Promise<boolean> {
  const state = await readState(plan);
  return state !== undefined && (await isAlive(state.owner));
}

/** Operations on a running lab; they reject with LabError. */
export class LabHandle {
  readonly plan: Plan;
  readonly network: Network;
  readonly guard: GuardClient;

  /** `guard` replaces the client of the box's own guard. */
  constructor(plan: Plan, guard = new GuardClient(plan.files.api)) {
    this.plan = plan;
    this.network = networkOf(plan);
    this.guard = guard;
  }

  /** Kills the daemon with SIGKILL; its supervisor restarts it about a second later. */
  async killDaemon(): Promise<void> {
    await this.#signal('daemon', 'SIGKILL');
    await this.#gone('daemon');
  }

  /** Renews the DHCP lease by unicast (RFC 2131, 4.4.5); resolves when the server has granted it. */
  async renewLease(): Promise<void> {
    const [renewed, bound] = await Promise.all(
      ['renew', 'bound'].map((event) => leaseEvents(this.plan, event)),
    );
    await this.#signal('dhcpClient', 'SIGUSR1');
    // If its unicast is not answered, the client starts over by broadcast and then reports "bound".
    await Promise.any([
      leaseEvent(this.plan, 'renew', renewed ?? 0, 15_000),
      leaseEvent(this.plan, 'bound', bound ?? 0, 15_000),
    ]);
  }

  /** Releases the lease and gets a new one by broadcast. */
  async newLease(): Promise<void> {
    const [released, bound] = await Promise.all(
      ['deconfig', 'bound'].map((event) => leaseEvents(this.plan, event)),
    );
    await this.#signal('dhcpClient', 'SIGUSR2');
    await leaseEvent(this.plan, 'deconfig', released ?? 0, 15_000);
    await this.#signal('dhcpClient', 'SIGUSR1');
    await leaseEvent(this.plan, 'bound', bound ?? 0, 15_000);
  }

  /** Makes the tunnel's client use its server's IPv4 or IPv6 address. */
  async roamTunnel(to: 'ipv4' | 'ipv6'): Promise<void> {
    const { serverKey } = await this.state();
    if (serverKey === undefined) throw new LabError('not-ready', 'the lab has no tunnel yet.');
    const address = to === 'ipv4' ? NET.tunnelServer4 : NET.tunnelServer6;
    await roam(this.network.laptop, this.plan.wireguard.laptop, serverKey, address);
  }

  /** The state of the lab now. Rejects with LabError `no-lab` when it is gone. */
  async state(): Promise<LabState> {
    const state = await readState(this.plan);
    if (state === undefined) throw new LabError('no-lab', 'no lab is running.');
    return state;
  }

  async #signal(whom: 'daemon' | 'dhcpClient', signal: NodeJS.Signals): Promise<void> {
    const identity = (await this.state())[whom];
    if (identity === undefined || !(await isAlive(identity)))
      throw new LabError('not-running', `the lab's ${whom} is not running.`);
    process.kill(identity.pid, signal);
  }

  async #gone(whom: 'daemon' | 'dhcpClient'): Promise<void> {
    const identity = (await this.state())[whom];
    while (identity !== undefined && (await isAlive(identity))) await yieldToEventLoop();
  }
}

/** A handle on a running lab. Rejects with LabError `no-lab` when no living process owns one, or `not-ready` while it is being built. */
export async function openLab(plan: Plan): Promise<LabHandle> {
  const state = existsSync(plan.dir) ? await readState(plan) : undefined;
  if (state === undefined || !(await isAlive(state.owner)))
    throw new LabError('no-lab', 'no lab is running: start one with "npx leakguard lab up".');
  if (!state.ready) throw new LabError('not-ready', 'the lab is still being built: try again in a moment.');
  return new LabHandle(plan);
}

/** The identity of a process that must be running. Rejects with LabError `not-running` when there is none with this number. */
export async function requireIdentity(pid: number): Promise<ProcessIdentity> {
  const identity = await identityOf(pid);
  if (identity === undefined) throw new LabError('not-running', `process ${pid} has already ended.`);
  return identity;
}
