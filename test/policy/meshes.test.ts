// Which packets of a mesh its tunnel takes, which way, and that peers anywhere are had by a yes of their own and by nothing else. Agreement
// with the kernel: test/netns/differential.test.ts; with the filter: test/property/policy-filter.test.ts.

import { describe, expect, it } from 'vitest';
import { Dissector } from '../../src/flow/dissector.ts';
import { ParsedPacket } from '../../src/flow/parsed-packet.ts';
import { compilePacketFilter } from '../../src/policy/filter/packet-filter.ts';
import { compileJudge } from '../../src/policy/judge.ts';
import { parsePolicy } from '../../src/policy/schema/schema.ts';
import { withTunnel } from '../../src/policy/schema/schema-edit.ts';
import { readRequest } from '../../src/policy/schema/tunnel-request.ts';
import { ANYWHERE, FULL, LEARNED, NEBULA, TAILSCALE, ZEROTIER, policyOf } from './policies.ts';
import { SHAPES, shapeNamed } from './shapes.ts';
import { MESH_FORMS } from './shapes-meshes.ts';

const JUDGES = {
  tailscale: compileJudge(TAILSCALE, LEARNED),
  nebula: compileJudge(NEBULA, LEARNED),
  zerotier: compileJudge(ZEROTIER, LEARNED),
};

function factsOf(bytes: Uint8Array): ParsedPacket {
  const packet = new ParsedPacket();
  const dissector = new Dissector();
  dissector.headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  dissector.application(bytes, packet, 0);
  return packet;
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
      const { bytes, direction } = shapeNamed(`${name}${more}`);
      const packet = factsOf(bytes);
      expect(JUDGES[mesh].judge(packet, direction).verdict).toBe(takes ? 'tunnel' : 'leak');
      expect(JUDGES[mesh].crosses(packet, direction)).toBe(takes);
      // Nobody else's policy lets it go.
      expect(compileJudge(FULL, LEARNED).crosses(packet, direction)).toBe(false);
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
      const request = {
        ...{ name: 'mesh', protocol, endpoints: ['udp:0.0.0.0/0:*'] },
        ...(protocol === 'zerotier' ? { zerotier: 'a1b2c3d4e5' } : {}),
      };
      for (const anywhere of [undefined, false, 'yes'])
        expect(readRequest({ ...request, anywhere })).toMatchObject([{ path: 'anywhere' }]);
      const edit = readRequest({ ...request, anywhere: true });
      if (!('name' in edit)) throw new Error('no edit');
      const policy = policyOf(withTunnel('version: 1\n', edit));
      expect(policy.tunnels[0]).toMatchObject({ name: 'mesh', protocol, anywhere: true });
    },
  );

  it('need no yes where servers are named', () => {
    const request = { name: 'a', protocol: 'nebula', endpoints: ['udp:198.51.100.7:4242'] };
    expect(readRequest(request)).toMatchObject({ name: 'a' });
    expect(compileJudge(ANYWHERE, LEARNED).endpoints).toHaveLength(2);
  });
});

it('what has not the form of such a tunnel is judged as if there were none', () => {
  const without = compileJudge(
    policyOf('version: 1\ntunnels: [{name: a, protocol: wireguard, endpoints: ["udp:192.0.2.250:1"]}]\n'),
    LEARNED,
  );
  for (const policy of [TAILSCALE, NEBULA, ZEROTIER, ANYWHERE]) {
    const [judge, filter] = [compileJudge(policy, LEARNED), compilePacketFilter(policy, LEARNED)];
    for (const { name, bytes, direction } of SHAPES) {
      const packet = factsOf(bytes);
      // A report about a port is known by the tunnels' ports.
      if (packet.quotedPort >= 0 || filter.endpointOf(packet, direction) >= 0) continue;
      const [mine, theirs] = [judge, without].map((one) => {
        const { verdict, rule } = one.judge(packet, direction);
        return `${name}: ${verdict} ${rule ?? ''} ${String(one.crosses(packet, direction))} ${one.counter(packet, direction)}`;
      });
      expect(mine).toBe(theirs);
    }
  }
});
