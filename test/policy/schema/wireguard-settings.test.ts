// What of WireGuard's packets a configuration may change, and what is refused. The packets: shapes-wireguard.ts.

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { Dissector } from '../../../src/flow/dissector.ts';
import { ParsedPacket, copyPacket, payloadByte } from '../../../src/flow/parsed-packet.ts';
import { importConfig } from '../../../src/policy/import/import.ts';
import { compileJudge } from '../../../src/policy/judge.ts';
import { withTunnel } from '../../../src/policy/schema/schema-edit.ts';
import { parsePolicy } from '../../../src/policy/schema/schema.ts';
import { CHANGED, policyOf } from '../policies.ts';
import { shapeNamed } from '../shapes.ts';
import { FAULTS, hasFaults } from '../../faults.ts';

const judge = compileJudge(CHANGED);

function factsOf(name: string): ParsedPacket {
  const { bytes } = shapeNamed(name);
  const packet = new ParsedPacket();
  new Dissector().headers(bytes, 0, bytes.length, bytes.length, 1, packet);
  return packet;
}

describe('a packet', () => {
  it.each([
    ['handshake to 198.51.100.9', true],
    ['handshake, highest number to 198.51.100.9', true],
    ['handshake, number below to 198.51.100.9', false],
    ['handshake, a byte longer to 198.51.100.9', false],
    ['handshake without padding to 198.51.100.9', false],
    ['answer from 198.51.100.9', true],
    ['cookie to 2001:db8::9', true],
    ['keepalive to 198.51.100.9', true],
    ['data to 2001:db8::9', true],
    ['data of another number to 198.51.100.9', false],
    ['data with the number of usual WireGuard to 198.51.100.9', false],
    ['junk of 10 to 198.51.100.9', true],
    ['junk of 9 to 198.51.100.9', false],
    ['junk of 50 to 198.51.100.9', true],
    ['junk of 51 to 198.51.100.9', false],
    ['first decoy to 198.51.100.9', true],
    ['first decoy, changed to 198.51.100.9', false],
    ['a question as long as junk to 198.51.100.9', false],
    ['type 1 of 148 with 185.25.129 to 198.51.100.40', true],
    ['type 1 of 148 with 185.25.128 to 198.51.100.40', true],
    ['type 1 of 149 with 185.25.129 to 198.51.100.40', false],
    ['type 4 of 97 with 185.25.129 to 198.51.100.41', true],
    ['type 4 of 97 with 0.0.0 from 198.51.100.41', true],
    ['type 4 of 97 with 185.25.128 to 198.51.100.41', false],
    ['a question with the mark to 198.51.100.41', false],
    ['handshake to 198.51.100.42', true],
    ['handshake of usual WireGuard to 198.51.100.42', false],
    ['answer of a larger number to 198.51.100.43', false],
  ])('%s: the tunnel’s %s', (name, is) => {
    const { direction } = shapeNamed(name);
    expect(judge.tunnelOf(factsOf(name), direction) >= 0).toBe(is);
  });

  it('is no tunnel’s any more where only its facts were kept: they say nothing of the bytes', () => {
    const kept = copyPacket(factsOf('data to 2001:db8::9'));
    expect(payloadByte(kept, 0)).toBe(-1);
    expect(judge.tunnelOf(kept, 'up')).toBe(-1);
  });
});

const tunnel = (more: string, protocol = 'wireguard'): string =>
  `version: 1\ntunnels: [{name: a, protocol: ${protocol}, endpoints: ['udp:192.0.2.1:1'], ${more}}]\n`;

describe('a setting', () => {
  it.each([
    ['reserved: [1, 2]', 'tunnels[0].reserved'],
    ['reserved: [1, 2, 256]', 'tunnels[0].reserved'],
    ['reserved: some', 'tunnels[0].reserved'],
    ['amnezia: {s1: 70000}', 'tunnels[0].amnezia.s1'],
    ['amnezia: {s1: 1-2}', 'tunnels[0].amnezia.s1'],
    ['amnezia: {h1: 2-1}', 'tunnels[0].amnezia.h1'],
    ['amnezia: {h1: 4294967296}', 'tunnels[0].amnezia.h1'],
    ['amnezia: {jmin: 5, jmax: 4}', 'tunnels[0].amnezia.jmin'],
    ['amnezia: {i1: "<b 0x0>"}', 'tunnels[0].amnezia.i1'],
    ['amnezia: {i1: "<x 5>"}', 'tunnels[0].amnezia.i1'],
    ['amnezia: {h5: 5}', 'tunnels[0].amnezia.h5'],
    ['amnezia: {}, reserved: any', 'tunnels[0].reserved'],
  ])('%s is refused at its place', (more, path) => {
    const parsed = parsePolicy(tunnel(more));
    expect(parsed.ok ? [] : parsed.faults.map((fault) => fault.path)).toEqual([path]);
  });

  it('is for WireGuard alone', () => {
    const parsed = parsePolicy(tunnel('reserved: any', 'openvpn'));
    expect(parsed.ok ? [] : parsed.faults.map((fault) => fault.path)).toEqual(['tunnels[0].reserved']);
  });

  it('is read and counted as AmneziaWG writes it', () => {
    const policy = policyOf(
      tunnel('amnezia: {i1: "<b 0x08448180><r 10> <rc 3><rd 2><c><t><wt 100>", jc: 0, jmin: 1, jmax: 9}'),
    );
    expect(policy.tunnels[0]?.form).toMatchObject({
      junk: undefined,
      decoys: [{ length: 27, head: [8, 0x44, 0x81, 0x80] }],
    });
  });
});

const CONF = `[Interface]
PrivateKey = x
Jc = 4
Jmin = 40
Jmax = 70
S1 = 20
H1 = 5-9
I1 =

[Peer]
AdvancedSecurity = on
Endpoint = 192.0.2.1:443
`;

describe('a configuration', () => {
  it('of AmneziaWG brings its parameters along, into the policy', () => {
    const found = importConfig(CONF);
    expect(found?.unused).toEqual([]);
    const [imported] = found?.tunnels ?? [];
    if (imported === undefined) throw new Error('nothing was imported');
    const { settings, ...rest } = imported;
    expect(settings).toEqual({ amnezia: { jc: '4', jmin: '40', jmax: '70', s1: '20', h1: '5-9' } });
    const policy = policyOf(withTunnel('version: 1\n', { name: 'awg', ...rest, ...settings }));
    expect(policy.tunnels[0]?.form).toMatchObject({ kind: 'amnezia', junk: { first: 40, last: 70 } });
    const again = withTunnel(withTunnel('version: 1\n', { name: 'awg', ...rest }), {
      name: 'awg',
      ...rest,
      ...settings,
    });
    expect(policyOf(again).tunnels[0]?.form).toEqual(policy.tunnels[0]?.form);
  });

  it('with reserved bytes brings them along', () => {
    const found = importConfig('[Peer]\nReserved = 185, 25, 129\nEndpoint = 192.0.2.1:2408\n');
    expect(found?.tunnels[0]?.settings).toEqual({ reserved: [185, 25, 129] });
  });

  it('that is not understood makes no tunnel that cannot work', () => {
    const found = importConfig(CONF.replace('H1 = 5-9', 'H1 = many'));
    expect(found?.tunnels).toEqual([]);
    expect(found?.unused[0]?.why).toMatch(/"h1" is not valid.*opaque/);
  });
});

it.runIf(hasFaults)('the one of the faults is read', () => {
  const found = importConfig(readFileSync(`${FAULTS}/configs/awg.conf`));
  expect(found?.tunnels).toMatchObject([{ protocol: 'wireguard', settings: { amnezia: { s1: '65' } } }]);
  expect(found?.unused).toEqual([]);
});
