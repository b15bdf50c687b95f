// Knows: how to use a lab that is up, also one that another process owns. Must not know: how it was built.
// Everything needed is in the lab's state file and in names; the owner need not be asked.

import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';

import { othersTurn } from '../../os/others-turn.ts';
import { LabError } from '../error.ts';
import { GuardClient } from '../guard.ts';
import { leaseEvent, leaseEvents } from '../machines/laptop.ts';
import { type Network, networkOf } from '../machines/network.ts';
import { NET, type Plan } from '../plan.ts';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { roam } from '../machines/wireguard.ts';

/** What fills the box: the guard with its page, a bare bridge, or nothing yet (the caller bridges). */
export type Filling = 'guard' | 'plain-bridge' | 'nothing';

/** lab.json. Written by the owner as things start; `ready` is the last thing to become true. */
export interface LabState {
  readonly owner: ProcessIdentity;
  readonly filling: Filling;
  readonly ready: boolean;
  readonly serverKey?: string;
  readonly page?: string;
  readonly daemon?: ProcessIdentity;
  readonly dhcpClient?: ProcessIdentity;
}

/** The state of the lab of this plan; undefined when there is none. */
export async function readState(plan: Plan): Promise<LabState | undefined> {
  const text = await readFile(plan.files.state, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as LabState);
}

/** Whole or not at all: a reader never sees half a state. */
export async function writeState(plan: Plan, state: LabState): Promise<void> {
  const fresh = `${plan.files.state}.new`;
  await writeFile(fresh, `${JSON.stringify(state)}\n`);
  await rename(fresh, plan.files.state);
}

/** True when somebody holds a lab of this plan up or is building one. */
export async function isHeld(plan: Plan): Promise<boolean> {
  const state = await readState(plan);
  return state !== undefined && (await isAlive(state.owner));
}

export class LabHandle {
  readonly plan: Plan;
  readonly network: Network;
  readonly guard: GuardClient;

  /** `guard` is whom to ask, where that is not the guard of the box itself. */
  constructor(plan: Plan, guard = new GuardClient(plan.files.api)) {
    this.plan = plan;
    this.network = networkOf(plan);
    this.guard = guard;
  }

  /** Kills the daemon as the kernel would (SIGKILL); what held it up starts it again about a second later. */
  async killDaemon(): Promise<void> {
    await this.#signal('daemon', 'SIGKILL');
    await this.#gone('daemon');
  }

  /** A unicast renewal (RFC 2131, 4.4.5): resolves when the server has granted it. */
  async renewLease(): Promise<void> {
    const [renewed, bound] = await Promise.all(
      ['renew', 'bound'].map((event) => leaseEvents(this.plan, event)),
    );
    await this.#signal('dhcpClient', 'SIGUSR1');
    // A client whose unicast goes unanswered starts over by broadcast and is then "bound" anew.
    await Promise.any([
      leaseEvent(this.plan, 'renew', renewed ?? 0, 15_000),
      leaseEvent(this.plan, 'bound', bound ?? 0, 15_000),
    ]);
  }

  /** Gives the lease back and gets one from scratch, by broadcast. */
  async newLease(): Promise<void> {
    const [released, bound] = await Promise.all(
      ['deconfig', 'bound'].map((event) => leaseEvents(this.plan, event)),
    );
    await this.#signal('dhcpClient', 'SIGUSR2');
    await leaseEvent(this.plan, 'deconfig', released ?? 0, 15_000);
    await this.#signal('dhcpClient', 'SIGUSR1');
    await leaseEvent(this.plan, 'bound', bound ?? 0, 15_000);
  }

  /** The tunnel's client talks to its server's other address from now on. */
  async roamTunnel(to: 'ipv4' | 'ipv6'): Promise<void> {
    const { serverKey } = await this.state();
    if (serverKey === undefined) throw new LabError('not-ready', 'this lab has no tunnel yet.');
    const address = to === 'ipv4' ? NET.tunnelServer4 : NET.tunnelServer6;
    await roam(this.network.laptop, this.plan.wireguard.laptop, serverKey, address);
  }

  async state(): Promise<LabState> {
    const state = await readState(this.plan);
    if (state === undefined) throw new LabError('no-lab', 'no lab is up.');
    return state;
  }

  async #signal(whom: 'daemon' | 'dhcpClient', signal: NodeJS.Signals): Promise<void> {
    const identity = (await this.state())[whom];
    if (identity === undefined || !(await isAlive(identity)))
      throw new LabError('not-running', `the lab's ${whom} does not run.`);
    process.kill(identity.pid, signal);
  }

  async #gone(whom: 'daemon' | 'dhcpClient'): Promise<void> {
    const identity = (await this.state())[whom];
    while (identity !== undefined && (await isAlive(identity))) await othersTurn();
  }
}

/** A handle on a lab that is up; LabError `no-lab` or `not-ready` when it is not. */
export async function openLab(plan: Plan): Promise<LabHandle> {
  const state = existsSync(plan.dir) ? await readState(plan) : undefined;
  if (state === undefined || !(await isAlive(state.owner)))
    throw new LabError('no-lab', 'no lab is up: start one with "leakguard lab up".');
  if (!state.ready) throw new LabError('not-ready', 'the lab is still being built: try again in a moment.');
  return new LabHandle(plan);
}

export async function requireIdentity(pid: number): Promise<ProcessIdentity> {
  const identity = await identityOf(pid);
  if (identity === undefined) throw new LabError('not-running', `process ${pid} has ended already.`);
  return identity;
}
