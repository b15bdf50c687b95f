// Checks that no leak is lost among a million tunnel frames. Every one of 1000 leaks spread over 1 M tunnel frames at full speed is caught:
// README.md, guarantee 1.
//
//   laptop eth0 --veth-- lan0 box wan0 --veth-- eth0 uplink        (names and addresses: appliance/lab/plan.ts)

import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FOLDED_EXPOSURE, UNSEEN_EXPOSURE } from '../../src/guard/incidents/incidents.ts';
import type { IncidentView, Status } from '../../src/api/status.ts';
import { ask } from './ask.ts';
import { labForTests } from './harness.ts';

const SENDER = fileURLToPath(new URL('./tunnel-sender.mjs', import.meta.url));
const lab = labForTests({ filling: 'guard' });

describe('at full speed', () => {
  it('counts 1,000 plain DNS questions among 1,000,000 tunnel frames, each attempted and escaped', async () => {
    await lab().network.laptop.must([process.execPath, SENDER, 'eth0', '1000000', '1000']);
    // The last of the questions is not the last of the frames.
    const told = ({ ledger, counters }: Status): boolean =>
      ledger.attempted >= 1000 &&
      ledger.escaped >= 1000 &&
      (counters['dns'] ?? 0) >= 1000 &&
      (counters['tunnel'] ?? 0) >= 1_000_000;
    const status = await lab().guard.waitFor('1,000 escaped among 1,000,000', told, 20_000);
    let incidents: readonly IncidentView[] = [];
    // The laptop says other things as well, such as multicast memberships: only the questions are counted here.
    const counted = async (): Promise<Readonly<Record<string, number>>> => {
      const { body } = await ask(lab().plan.files.api, 'GET', '/v1/incidents?limit=2000');
      incidents = (body as { incidents: IncidentView[] }).incidents;
      // Of a report that has come late some are counted without their names.
      const questions = incidents.filter(
        ({ kind, exposure }) =>
          /^q\d+\.leak\.example$/.test(exposure) || (kind === 'dns' && exposure === FOLDED_EXPOSURE),
      );
      const sum = (field: 'attempted' | 'escaped' | 'blocked'): number =>
        questions.reduce((total, incident) => total + incident[field], 0);
      return { attempted: sum('attempted'), escaped: sum('escaped'), blocked: sum('blocked') };
    };
    await expect.poll(counted, { timeout: 10_000 }).toEqual({ attempted: 1000, escaped: 1000, blocked: 0 });
    // What the laptop said of itself before the taps read, such as a membership report, is unseen by right, and minor.
    const unseen = incidents.filter(({ exposure }) => exposure === UNSEEN_EXPOSURE);
    expect(unseen.filter(({ severity }) => severity === 'red')).toEqual([]);
    expect(status.counters).toMatchObject({ dns: 1000 });
  });
});
