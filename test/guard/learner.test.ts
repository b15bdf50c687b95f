// Knows: what the guard learns from the wire, and what it must not. Holds src/guard/learner.ts to DESIGN section 4.

import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/flow/facts.ts';
import { Learner } from '../../src/guard/learner.ts';
import { observation, policyOf, report } from './samples.ts';

const POLICY = policyOf(`version: 1
profile: full-tunnel
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:vpn.example:51820"]}
`);
const asks = (name: string): ReturnType<typeof report> => report('lan', [observation({ names: [name] })]);
const answers = (...list: Answer[]): ReturnType<typeof report> =>
  report('wan', [observation({ direction: 'down', answers: list })]);
const a = (name: string, value: string, ttl = 300): Answer => ({ name, type: 'A', value, ttl });

function learner(): Learner {
  const made = new Learner();
  made.setPolicy(POLICY);
  return made;
}

describe('Learner', () => {
  it('takes the answer to a question that a client asked, through canonical names, once', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    const cname: Answer = { name: 'vpn.example', type: 'CNAME', value: 'pool.example', ttl: 5 };
    const lesson = pupil.observe(answers(cname, a('pool.example', '198.51.100.9')), 1_000);
    expect(lesson).toBe(true);
    expect(pupil.observe(answers(cname, a('pool.example', '198.51.100.9')), 2_000)).toBe(false);
    expect(pupil.state(2_000).addresses).toEqual([
      { name: 'vpn.example', address: '198.51.100.9', seconds: 300 },
    ]);
  });

  it.each([
    ['nobody asked', [], a('vpn.example', '198.51.100.9'), 0],
    ['another name was asked', ['other.example'], a('other.example', '198.51.100.9'), 0],
    ['another name is answered', ['vpn.example'], a('evil.example', '198.51.100.9'), 0],
    ['the answer comes far too late', ['vpn.example'], a('vpn.example', '198.51.100.9'), 31_000],
  ])('learns nothing when %s', (_case, asked, answer, at) => {
    const pupil = learner();
    for (const name of asked) pupil.observe(asks(name), 0);
    expect(pupil.observe(answers(answer), at)).toBe(false);
    expect(pupil.state(at).addresses).toEqual([]);
  });

  it('bounds the time to live, and the number of addresses of one name', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.1', 0), a('vpn.example', '198.51.100.2', 2 ** 31)), 0);
    expect(pupil.state(0).addresses.map((known) => known.seconds)).toEqual([60, 86_400]);
    for (let n = 3; n < 60; n += 1) pupil.observe(answers(a('vpn.example', `198.51.100.${String(n)}`)), 1);
    expect(pupil.state(1).addresses).toHaveLength(16);
  });

  it('learns the DHCP server and the resolvers it names', () => {
    const pupil = learner();
    const offer = { server: '192.0.2.1', leaseSeconds: 600, resolvers: ['192.0.2.1', '192.0.2.53'] };
    const seen = report('wan', [observation({ direction: 'down', kind: 'dhcp', offer })]);
    expect(pupil.observe(seen, 0)).toBe(true);
    expect(pupil.observe(seen, 0)).toBe(false);
    expect(pupil.state(0).dhcpServers).toEqual([
      { address: '192.0.2.1', mac: '00:00:00:00:00:00', seconds: 600 },
    ]);
    expect(pupil.state(0).resolvers.map((r) => r.address)).toEqual(['192.0.2.53', '192.0.2.1']);
    expect(pupil.state(600_000).dhcpServers).toEqual([]);
  });

  it('goes on where its record ends', () => {
    const pupil = learner();
    pupil.observe(asks('vpn.example'), 0);
    pupil.observe(answers(a('vpn.example', '198.51.100.9')), 0);
    const next = learner();
    next.restore(pupil.record());
    expect(next.state(10_000).addresses).toEqual([
      { name: 'vpn.example', address: '198.51.100.9', seconds: 290 },
    ]);
  });
});
