// Knows: which packets of a mesh its tunnel takes, which way, and that peers anywhere are had by a yes of their own and by nothing else.
// Agreement with the kernel: test/netns/differential.test.ts; with the filter: test/property/policy-filter.test.ts.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { Facts } from '../../src/flow/facts.ts';
import { compileGate } from '../../src/policy/filter/gate.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { withTunnel } from '../../src/policy/schema/schema-edit.ts';
import { readWish } from '../../src/policy/schema/tunnel-wish.ts';
import { ANYWHERE, FULL, LEARNED, NEBULA, TAILSCALE, ZEROTIER, policyOf } from './policies.ts';
import { SHAPES, shapeNamed } from './shapes.ts';
import { MESH_FORMS } from './shapes-meshes.ts';

const JUDGES = {
  tailscale: compileJudge(TAILSCALE, LEARNED),
  nebula: compileJudge(NEBULA, LEARNED),
  zerotier: compileJudge(ZEROTIER, LEARNED),
};

function factsOf(bytes: Uint8Array): Facts {
  const facts = new Facts();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, facts);
  dissector.application(bytes, facts, 0);
  return facts;
}

describe('a mesh', () => {
  it.each(Object.entries(MESH_FORMS))('%s', (name, { mesh, up, down, whole = false }) => {
    for (const [more, takes] of [
      [', up', up],
      [', up over IPv6', up],
      [', up, with a fragment header', up && !whole],
      [', down', down],
      [', down over IPv6', down],
    ] as const) {
      const { bytes, way } = shapeNamed(`${name}${more}`);
      const facts = factsOf(bytes);
      expect(JUDGES[mesh].judge(facts, way).verdict).toBe(takes ? 'tunnel' : 'leak');
      expect(JUDGES[mesh].crosses(facts, way)).toBe(takes);
      // Nobody else's policy lets it go.
      expect(compileJudge(FULL, LEARNED).crosses(facts, way)).toBe(false);
    }
  });
});

describe('peers anywhere', () => {
  const text = (more: string): string =>
    `version: 1\ntunnels: [{name: a, endpoints: ['udp:0.0.0.0/0:*'], ${more}}]\n`;

  it.each([
    ['protocol: tailscale, anywhere: true', []],
    ['protocol: tailscale', ['tunnels[0].anywhere']],
    ['protocol: tailscale, anywhere: false', ['tunnels[0].anywhere']],
    ['protocol: nebula', ['tunnels[0].anywhere']],
    ['protocol: nebula, anywhere: true', []],
    ['protocol: zerotier, anywhere: true, zerotier: "a1b2c3d4e5"', []],
    ['protocol: zerotier, anywhere: true', ['tunnels[0].zerotier']],
    ['protocol: zerotier, anywhere: true, zerotier: "ff00000000"', ['tunnels[0].zerotier']],
    ['protocol: zerotier, anywhere: true, zerotier: "a1b2c3d4"', ['tunnels[0].zerotier']],
    ['protocol: nebula, anywhere: true, zerotier: "a1b2c3d4e5"', ['tunnels[0].zerotier']],
    ['protocol: tailscale, anywhere: true, reserved: any', ['tunnels[0].reserved']],
    // What could be written before there was such a word still can.
    ['protocol: wireguard', []],
    ['protocol: opaque, anywhere: true', ['tunnels[0].endpoints[0]']],
    ['protocol: openvpn, anywhere: true', ['tunnels[0].endpoints[0]']],
  ])('%s: faults at %j', (more, paths) => {
    const parsed = parsePolicy(text(more));
    expect(parsed.ok ? [] : parsed.faults.map(({ path }) => path)).toEqual(paths);
  });

  it.each(['wireguard', 'tailscale', 'nebula', 'zerotier'])(
    'of %s are wished for with a yes to that, which the policy keeps',
    (protocol) => {
      const wish = {
        ...{ name: 'mesh', protocol, endpoints: ['udp:0.0.0.0/0:*'] },
        ...(protocol === 'zerotier' ? { zerotier: 'a1b2c3d4e5' } : {}),
      };
      for (const anywhere of [undefined, false, 'yes'])
        expect(readWish({ ...wish, anywhere })).toMatchObject([{ path: 'anywhere' }]);
      const edit = readWish({ ...wish, anywhere: true });
      if (!('name' in edit)) throw new Error('no edit');
      const policy = policyOf(withTunnel('version: 1\n', edit));
      expect(policy.tunnels[0]).toMatchObject({ name: 'mesh', protocol, anywhere: true });
    },
  );

  it('need no yes where servers are named', () => {
    const wish = { name: 'a', protocol: 'nebula', endpoints: ['udp:198.51.100.7:4242'] };
    expect(readWish(wish)).toMatchObject({ name: 'a' });
    expect(compileJudge(ANYWHERE, LEARNED).endpoints).toHaveLength(2);
  });
});

it('what has not the form of such a tunnel is judged as if there were none', () => {
  const without = compileJudge(
    policyOf('version: 1\ntunnels: [{name: a, protocol: wireguard, endpoints: ["udp:192.0.2.250:1"]}]\n'),
    LEARNED,
  );
  for (const policy of [TAILSCALE, NEBULA, ZEROTIER, ANYWHERE]) {
    const [judge, gate] = [compileJudge(policy, LEARNED), compileGate(policy, LEARNED)];
    for (const { name, bytes, way } of SHAPES) {
      const facts = factsOf(bytes);
      // A report about a port is known by the tunnels' ports.
      if (facts.quotedPort >= 0 || gate.endpointOf(facts, way) >= 0) continue;
      const [mine, theirs] = [judge, without].map((one) => {
        const { verdict, rule } = one.judge(facts, way);
        return `${name}: ${verdict} ${rule ?? ''} ${String(one.crosses(facts, way))} ${one.counter(facts, way)}`;
      });
      expect(mine).toBe(theirs);
    }
  }
});
