// How a test gets a lab of its own and is rid of it afterwards. Labs of tests have names of their own, so several runs live side by side;
// the reaper clears up after a test run that is killed.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { randomInt } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';

import { Capture } from '../../appliance/lab/machines/capture.ts';
import { Lab, type LabOptions } from '../../appliance/lab/lab.ts';
import type { Namespace } from '../../appliance/lab/machines/namespace.ts';
import { planOf } from '../../appliance/lab/plan.ts';

/** A lab's name that no other run uses: at most eight letters and digits. */
export function uniqueLabId(): string {
  return `${process.pid.toString(36)}${randomInt(36 ** 3).toString(36)}`;
}

/** A lab before all tests of this file, none after: call at the top of a file, and the result inside its tests. */
export function labForTests(options: LabOptions): () => Lab {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = await Lab.raise(planOf(uniqueLabId()), options);
  });
  afterAll(async () => {
    await lab?.close();
  });
  return () => {
    if (lab === undefined) throw new Error('the lab is there only while tests run');
    return lab;
  };
}

/** One line of tcpdump for each frame that fits `filter` (pcap-filter(7)) and reaches the uplink because of `act`. */
export async function seenByUplink(
  lab: Lab,
  filter: string,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  return seenOn(lab.network.uplink, 'eth0', filter, lab.network.laptop, act);
}

/** The same on any link. Exact: a marker sent behind the last frame by `sender` ends the capture, no time does. */
export async function seenOn(
  space: Namespace,
  device: string,
  filter: string,
  sender: Namespace,
  act: () => Promise<unknown>,
): Promise<readonly string[]> {
  const capture = await Capture.start(space, device, filter);
  try {
    await act();
  } catch (error) {
    await capture.stop();
    throw error;
  }
  return capture.finish(sender, 'eth0');
}
