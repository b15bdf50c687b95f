// What the compiled ruleset does in a kernel over time: reloads, toggles, timeouts, foreign hands. Holds README.md, guarantees 3 and 5; the
// wire is drawn in differential-wire.ts.

import { readFile, readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../appliance/os/clock.ts';
import { GivenTable } from '../../src/policy/compile/nft-change.ts';
import {
  closedRuleset,
  compileClosedRuleset,
  compileRuleset,
  rulesetOf,
} from '../../src/policy/compile/nft.ts';
import { addText, removeText, rulesetText } from '../../src/policy/compile/nft-model.ts';
import { elementsOf } from '../../src/policy/compile/nft-sets.ts';
import { NOTHING_LEARNED } from '../../src/policy/servers/learned.ts';
import { differences, repairText } from '../../src/policy/compile/readback.ts';
import {
  ANSWERED,
  ANSWERED_LEARNED,
  BARE,
  SERVER_GROUP,
  SERVER_GROUP_LEARNED,
  FULL,
  LEARNED,
  PASSING,
  RANGES,
  RANGES_LEARNED,
  SPLIT,
  STUB,
} from '../policy/policies.ts';
import { shapeNamed } from '../policy/shapes.ts';
import { Wire } from './differential-wire.ts';

let wire: Wire;

beforeAll(async () => {
  wire = await Wire.raise(`r${process.pid.toString(36)}`);
});

afterAll(async () => {
  await wire.close();
});

/** Sends one named shape upward and says which counters grew and whether it arrived. */
async function sendUp(
  name: string,
): Promise<{ readonly counted: readonly string[]; readonly arrived: boolean }> {
  const before = await wire.counters();
  const arrivals = await wire.arrivals('wan', () => wire.send('lan', [shapeNamed(name).bytes]));
  const after = await wire.counters();
  return {
    counted: [...after.keys()].filter((key) => after.get(key) !== before.get(key)).sort(),
    arrived: arrivals.length > 0,
  };
}

describe('nft', () => {
  it('takes every golden file, over any other', async () => {
    const directory = new URL('../policy/compile/golden/', import.meta.url);
    const files = (await readdir(directory)).filter((name) => name.endsWith('.nft'));
    expect(files.length).toBeGreaterThanOrEqual(6);
    for (const file of [...files, ...files.reverse()]) {
      const text = await readFile(new URL(file, directory), 'utf8');
      await wire.load(text);
      expect(differences(await wire.listing(), text), file).toEqual([]);
    }
  });

  it('keeps counters over a reload and a toggle', async () => {
    await wire.load(compileRuleset(FULL, { blockMode: true, learned: LEARNED }));
    await sendUp('DNS');
    const before = await wire.counters();
    expect(before.get('up_leak_dns')).toBeGreaterThan(0);
    await wire.load(compileRuleset(FULL, { blockMode: true, learned: LEARNED }));
    await wire.load(compileRuleset(FULL, { blockMode: false, learned: LEARNED }));
    await wire.load(compileRuleset(STUB, { blockMode: true, learned: LEARNED }));
    expect(await wire.counters()).toEqual(before);
  });
});

describe('block mode', () => {
  it('differs in two chains and is read back as the other ruleset', async () => {
    const block = compileRuleset(FULL, { blockMode: true, learned: LEARNED });
    const watch = compileRuleset(FULL, { blockMode: false, learned: LEARNED });
    await wire.load(watch);
    expect(await sendUp('DNS')).toEqual({
      counted: ['leak_out', 'leak_passed', 'up_leak_dns'],
      arrived: true,
    });
    await wire.load(block);
    expect(differences(await wire.listing(), block)).toEqual([]);
    // Two chains, each with other rules and another number of them.
    expect(differences(await wire.listing(), watch).length).toBe(4);
    expect(await sendUp('DNS')).toEqual({ counted: ['leak_dropped', 'up_leak_dns'], arrived: false });
    expect((await sendUp('wireguard message 4')).arrived).toBe(true);
  });

  it('without a policy lets nothing cross', async () => {
    await wire.load(compileClosedRuleset());
    for (const name of ['DNS', 'ARP request', 'DHCP discover', 'EAPOL', 'STP', 'wireguard message 4']) {
      expect((await sendUp(name)).arrived, name).toBe(false);
    }
  });

  it('counts a leak between two devices behind one switch, which never crosses', async () => {
    await wire.load(compileRuleset(FULL, { blockMode: false, learned: LEARNED }));
    // The bridge knows the destination on the side that the frame came from.
    await wire.inBox('bridge', 'fdb', 'replace', '02:00:00:00:00:01', 'dev', 'lan0', 'master', 'static');
    expect(await sendUp('DNS')).toEqual({ counted: ['leak_passed', 'up_leak_dns'], arrived: false });
    await wire.inBox('bridge', 'fdb', 'del', '02:00:00:00:00:01', 'dev', 'lan0', 'master');
    expect((await sendUp('DNS')).arrived).toBe(true);
  });

  it('holds a canary in watch mode as in block mode, whatever it looks like', async () => {
    const canary = ['02:00:00:00:00:0c'];
    await wire.load(compileRuleset(FULL, { blockMode: false, learned: LEARNED, canary }));
    expect(await sendUp('DNS')).toEqual({
      counted: ['canary_dropped', 'canary_lan', 'up_leak_dns'],
      arrived: false,
    });
    expect(await sendUp('wireguard message 4')).toEqual({
      counted: ['canary_crossed', 'canary_lan', 'up_tunnel_0'],
      arrived: false,
    });
    await wire.load(compileRuleset(FULL, { blockMode: true, learned: LEARNED, canary }));
    expect(await sendUp('DNS')).toEqual({
      counted: ['canary_lan', 'leak_dropped', 'up_leak_dns'],
      arrived: false,
    });
  });

  it('lets nothing go to an address of the box that the bridge does not know as its own', async () => {
    await wire.load(compileRuleset(FULL, { blockMode: false, boxMacs: ['02:00:00:00:00:01'] }));
    expect(await sendUp('wireguard message 4')).toEqual({ counted: ['box_refused'], arrived: false });
  });

  it('drops what bears the MAC address of the box, in watch mode too', async () => {
    const client = '02:00:00:00:00:0c';
    await wire.load(compileRuleset(BARE, { blockMode: false, boxMacs: [client] }));
    expect(await sendUp('wireguard message 4')).toEqual({ counted: ['box_spoofed'], arrived: false });
  });
});

it('a change makes of what the kernel has what it is to have, and counts on', async () => {
  const first = rulesetOf(FULL, { blockMode: true, learned: LEARNED });
  await wire.load('table bridge leakguard { }\ndelete table bridge leakguard\n');
  await wire.load(rulesetText(first));
  await sendUp('DNS');
  const counted = (await wire.counters()).get('up_leak_dns');
  let table = GivenTable.of(first, 0);
  for (const [what, wanted] of [
    ['watch mode', rulesetOf(FULL, { blockMode: false, learned: LEARNED })],
    ['a pass', rulesetOf(FULL, { blockMode: true, learned: PASSING })],
    ['nothing learned', rulesetOf(FULL, { blockMode: true })],
    ['another profile', rulesetOf(SPLIT, { blockMode: true, learned: LEARNED })],
    ['answers', rulesetOf(ANSWERED, { blockMode: true, learned: ANSWERED_LEARNED })],
    ['ranges', rulesetOf(RANGES, { blockMode: true, learned: RANGES_LEARNED })],
    ['a server group', rulesetOf(SERVER_GROUP, { blockMode: true, learned: SERVER_GROUP_LEARNED })],
    ['no policy', closedRuleset()],
    [
      'a policy again',
      rulesetOf(STUB, { blockMode: true, learned: LEARNED, boxMacs: ['02:00:00:00:00:0b'] }),
    ],
    ['what it was at first', first],
  ] as const) {
    const change = table.changeTo(wanted, 0);
    // Another policy may bring sets of which nothing is known: then the whole is given.
    await wire.load(change?.text ?? rulesetText(wanted));
    table = change?.table ?? GivenTable.of(wanted, 0);
    expect(differences(await wire.listing(), table.shape), what).toEqual([]);
  }
  expect((await wire.counters()).get('up_leak_dns')).toBe(counted);
});

describe('elements', () => {
  it('with a timeout are closed by the kernel alone', async () => {
    await wire.load(compileRuleset(FULL, { blockMode: true, learned: LEARNED }));
    expect((await sendUp('HTTPS syn')).arrived).toBe(false);
    await wire.load(addText([{ set: 'pass_mac', key: '02:00:00:00:00:0c', seconds: 2 }]));
    expect(await sendUp('HTTPS syn')).toEqual({ counted: ['up_pass_tls'], arrived: true });
    await expect
      .poll(async () => (await sendUp('HTTPS syn')).arrived, { timeout: 10_000, interval: 200 })
      .toBe(false);
  });

  it('are put in, begun anew and taken out whether they are there or not', async () => {
    const ruleset = compileRuleset(FULL, { blockMode: true, learned: PASSING });
    const timed = elementsOf(FULL, PASSING, []).filter(({ seconds }) => seconds !== undefined);
    await wire.load(ruleset);
    const table = GivenTable.of(rulesetOf(FULL, { blockMode: true, learned: PASSING }), 0);
    await wire.load(table.with(timed, [], 0).text);
    await wire.load(table.with(timed, [], 0).text);
    expect(differences(await wire.listing(), ruleset)).toEqual([]);
    expect((await sendUp('HTTP')).arrived).toBe(true);
    expect((await sendUp('wireguard to a learned address')).arrived).toBe(true);
    await wire.load(removeText(timed));
    await wire.load(removeText(timed));
    expect((await sendUp('HTTP')).arrived).toBe(false);
    expect((await sendUp('wireguard to a learned address')).arrived).toBe(false);
    expect((await sendUp('wireguard message 4')).arrived).toBe(true);
  });
});

describe("the box's own wire", () => {
  beforeAll(async () => {
    const macs = ['br0', 'lan0', 'wan0'].map((port) => wire.inBox('cat', `/sys/class/net/${port}/address`));
    const boxMacs = (await Promise.all(macs)).map((mac) => mac.trim());
    const neighbours = [{ address: '192.168.9.1', seconds: 3000 }];
    const learned = { ...NOTHING_LEARNED, neighbours, box: ['192.168.9.2'] };
    await wire.load(compileRuleset(BARE, { blockMode: true, boxMacs, learned }));
    await wire.inBox('ip', 'addr', 'add', '192.168.9.2/24', 'dev', 'br0');
    await wire.atEnd('lan', 'ip', 'addr', 'add', '192.168.9.3/24', 'dev', 'eth0');
    await wire.atEnd('wan', 'ip', 'addr', 'add', '192.168.9.4/24', 'dev', 'eth0');
  });

  const reach = (end: 'lan' | 'wan'): Promise<string> =>
    wire.atEnd(end, 'ping', '-c', '1', '-W', '2', '192.168.9.2');

  it('answers on lan, and on wan not even who it is', async () => {
    await expect(reach('lan')).resolves.toContain('1 received');
    await expect(reach('wan')).rejects.toThrow();
    expect(await wire.atEnd('wan', 'ip', 'neigh', 'show', '192.168.9.2')).not.toContain('lladdr');
    // Told who it is, the wan side is refused all the same.
    const mac = (await wire.inBox('cat', '/sys/class/net/br0/address')).trim();
    await wire.atEnd('wan', 'ip', 'neigh', 'replace', '192.168.9.2', 'lladdr', mac, 'dev', 'eth0');
    const before = await wire.counters();
    await expect(reach('wan')).rejects.toThrow();
    expect((await wire.counters()).get('box_refused')).toBeGreaterThan(before.get('box_refused') ?? 0);
  });

  it('says nothing on wan but ARP requests for its gateway', async () => {
    const before = await wire.counters();
    await wire.inBox('ip', 'neigh', 'replace', '192.168.9.4', 'lladdr', '02:00:00:00:00:04', 'dev', 'br0');
    const arrivals = await wire.arrivals('wan', async () => {
      await expect(wire.inBox('ping', '-c', '2', '-i', '0.2', '-W', '1', '192.168.9.4')).rejects.toThrow();
      await expect(wire.inBox('ping', '-c', '1', '-W', '1', '192.168.9.99')).rejects.toThrow();
      await expect(wire.inBox('ping', '-c', '1', '-W', '1', '192.168.9.1')).rejects.toThrow();
    });
    expect(arrivals.length).toBeGreaterThan(0);
    // EtherType ARP, operation request, for the gateway.
    expect(
      arrivals.filter(
        (frame) =>
          frame.slice(24, 28) !== '0806' ||
          frame.slice(40, 44) !== '0001' ||
          frame.slice(76, 84) !== 'c0a80901',
      ),
    ).toEqual([]);
    expect((await wire.counters()).get('box_silenced')).toBeGreaterThan(before.get('box_silenced') ?? 0);
  });
});

describe('a foreign hand', () => {
  const ruleset = compileRuleset(SPLIT, {
    blockMode: true,
    learned: LEARNED,
    canary: ['02:00:00:00:00:ca'],
  });

  it.each([
    ['empties the table', 'flush table bridge leakguard'],
    ['adds a rule', 'insert rule bridge leakguard up_plain4 accept'],
    ['empties a chain', 'flush chain bridge leakguard leak'],
    [
      'changes a verdict and leaves the number of rules',
      'flush chain bridge leakguard leak; add rule bridge leakguard leak counter name leak_dropped accept',
    ],
    ['adds an endpoint', 'add element bridge leakguard tun4 { 203.0.113.1 . udp . 53 : goto t4_udp }'],
    [
      'removes an endpoint',
      'delete element bridge leakguard tun4 { 198.51.100.7 . udp . 51820 : goto t0_wireguard }',
    ],
    [
      'sends an endpoint elsewhere',
      'delete element bridge leakguard tun4 { 198.51.100.7 . udp . 51820 : goto t0_wireguard }; add element bridge leakguard tun4 { 198.51.100.7 . udp . 51820 : goto t4_udp }',
    ],
    [
      'adds an endpoint for a time',
      'add element bridge leakguard tun4 { 203.0.113.1 . udp . 53 timeout 1h : goto t4_udp }',
    ],
    ['opens a pass', 'add element bridge leakguard pass_all { ip timeout 1h }'],
    ['puts the table to sleep', 'table bridge leakguard { flags dormant; }'],
    [
      'adds a chain on a hook',
      'add chain bridge leakguard mine { type filter hook forward priority -1; policy accept; }',
    ],
    [
      'turns a policy',
      'add chain bridge leakguard crossing { type filter hook forward priority 0; policy accept; }',
    ],
    [
      'hooks a chain elsewhere',
      'flush chain bridge leakguard crossing; delete chain bridge leakguard crossing; add chain bridge leakguard crossing { type filter hook output priority 0; policy drop; }',
    ],
    ['lets a canary fly', 'flush set bridge leakguard canary'],
  ])('that %s is found and mended', async (_what, commands) => {
    await wire.load('table bridge leakguard { }\ndelete table bridge leakguard\n');
    await wire.load(ruleset);
    expect(differences(await wire.listing(), ruleset)).toEqual([]);
    await wire.load(`${commands.replaceAll(/; (add|delete) (?=chain|rule|element)/g, '\n$1 ')}\n`);
    expect(differences(await wire.listing(), ruleset)).not.toEqual([]);
    await wire.load(repairText(await wire.listing(), ruleset));
    expect(differences(await wire.listing(), ruleset)).toEqual([]);
  });

  it.each([
    ['empties a set of answered addresses', 'flush set bridge leakguard exposed4'],
    [
      'keeps an answered address for longer',
      'delete element bridge leakguard exposed4 { 192.0.2.7 }\nadd element bridge leakguard exposed4 { 192.0.2.7 timeout 1h }',
    ],
  ])('that %s is found', async (_what, commands) => {
    const exposed = [{ name: 'shop.example', address: '192.0.2.7', seconds: 60 }];
    const given = rulesetOf(SPLIT, { blockMode: true, learned: { ...LEARNED, exposed } });
    await wire.load('table bridge leakguard { }\ndelete table bridge leakguard\n');
    const table = GivenTable.of(given, monotonicMs());
    await wire.load(rulesetText(given));
    const found = async (): Promise<readonly string[]> => {
      const begun = monotonicMs();
      const listing = await wire.listing();
      return differences(listing, table.shape, { ends: table.ends, begun, ended: monotonicMs() });
    };
    expect(await found()).toEqual([]);
    await wire.load(`${commands}\n`);
    expect(await found()).toEqual([expect.stringContaining('exposed4')]);
  });
});
