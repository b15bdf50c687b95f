// What the guard raises because of one act of the laptop, and when it has said all. No time ends the watch: a connection to a port that is
// a leak in every profile is made behind the act, and what both taps report in order has been told when that marker is.

import { expect } from 'vitest';

import { LAN } from '../../appliance/lab/plan.ts';
import type { Lab } from '../../appliance/lab/lab.ts';
import type { Argv } from '../../appliance/lab/processes/process.ts';
import { incident } from '../../src/api/status.ts';
import type { IncidentView, Status } from '../../src/api/status.ts';
import { ask } from './ask.ts';

let markersUsed = 0;

/** Puts the lab's policy in force with these lines instead of its profile's. */
export async function useProfile(lab: Lab, labText: string, lines: readonly string[]): Promise<void> {
  const text = labText.replace(/^profile: .*$/m, lines.join('\n'));
  const { status, body } = await ask(lab.plan.files.api, 'PUT', '/v1/policy', { text });
  if (status !== 200) throw new Error(JSON.stringify(body));
  await lab.guard.waitFor('a guard that sees', (s) => !['starting', 'blind'].includes(s.state), 30_000);
}

export async function incidentsOf(lab: Lab): Promise<readonly IncidentView[]> {
  const { body } = await ask(lab.plan.files.api, 'GET', '/v1/incidents?limit=2000');
  const { incidents } = body as { incidents: readonly unknown[] };
  return incidents.flatMap((one) => incident.safeParse(one).data ?? []);
}

/** Incidents that are new because of `act`, oldest first; everything before is acknowledged. */
export async function raisedBy(lab: Lab, act: () => Promise<unknown>): Promise<readonly IncidentView[]> {
  await lab.guard.acknowledge();
  const before = new Set((await incidentsOf(lab)).map(({ id }) => id));
  await act();
  // A server that closes late has the client's last ACK come after the marker, and acknowledged incidents are not added to.
  await expect.poll(() => closing(lab), { timeout: 10_000 }).toBe('');
  markersUsed += 1;
  const marker = `192.0.2.${markersUsed}`;
  await lab.network.laptop.run(curl(`http://${marker}:853/`, '--connect-timeout', '1'));
  const told = ({ incidents }: Status): boolean =>
    incidents.some(({ destination, escaped }) => destination === marker && escaped > 0);
  await lab.guard.waitFor('the marker', told, 10_000);
  const after = await incidentsOf(lab);
  return after.filter(({ id, destination }) => !before.has(id) && destination !== marker).reverse();
}

/** The laptop's TCP connections that have not ended on both sides; empty when there is none. */
async function closing(lab: Lab): Promise<string> {
  const states = ['fin-wait-1', 'fin-wait-2', 'closing', 'last-ack'].flatMap((one) => ['state', one]);
  return (await lab.network.laptop.must(['ss', '-Htn', ...states])).stdout;
}

/** Fetches past the tunnel. */
export function curl(url: string, ...more: readonly string[]): Argv {
  return ['curl', '-sSk', '--interface', 'eth0', '--max-time', '5', ...more, url];
}

/** Asks past the tunnel; `server` is an address of either family. */
export function dig(server: string, name: string, ...more: readonly string[]): Argv {
  const from = server.includes(':') ? LAN.laptop6 : LAN.laptop4;
  return ['dig', '+tries=1', '+time=2', '-b', from, `@${server}`, name, ...more];
}
